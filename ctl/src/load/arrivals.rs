use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use super::Arrivals;

/// An order holds its slot until its outcome is known.
#[derive(Debug)]
pub(super) struct Dispatcher {
    slots: Arc<Semaphore>,
    schedule: Option<Schedule>,
}

/// Open loop: due times are independent of responses.
#[derive(Debug)]
struct Schedule {
    due: Instant,
    gap: Duration,
}

impl Dispatcher {
    pub fn new(arrivals: Arrivals, in_flight: usize) -> Self {
        let (slots, schedule) = match arrivals {
            Arrivals::Rate(rate) => {
                (in_flight, Some(Schedule { due: Instant::now(), gap: Duration::from_secs_f64(1.0 / rate) }))
            }
            Arrivals::Workers(workers) => (workers, None),
        };
        Self { slots: Arc::new(Semaphore::new(slots)), schedule }
    }

    /// `None`: all slots are taken, and the order is left out.
    pub async fn next(&mut self) -> Option<OwnedSemaphorePermit> {
        let slots = Arc::clone(&self.slots);
        match &mut self.schedule {
            None => slots.acquire_owned().await.ok(),
            Some(schedule) => {
                schedule.wait().await;
                slots.try_acquire_owned().ok()
            }
        }
    }

    /// Skips the orders due in a pause of the quota.
    pub fn restart(&mut self) {
        if let Some(schedule) = &mut self.schedule {
            schedule.due = Instant::now();
        }
    }
}

impl Schedule {
    /// Timers are precise to a millisecond: orders due within the same one go together, after one wait.
    async fn wait(&mut self) {
        if self.due > Instant::now() {
            sleep_until(self.due).await;
        } else {
            // Runs orders in flight, however late the schedule is.
            yield_now().await;
        }
        self.due += self.gap;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_rate_is_kept_on_average_and_what_finds_no_slot_is_left_out() {
        let began = Instant::now();
        let mut dispatcher = Dispatcher::new(Arrivals::Rate(1000.0), 2);
        let mut taken = Vec::new();
        for _ in 0..100 {
            taken.push(dispatcher.next().await);
        }
        assert!(began.elapsed() >= Duration::from_millis(98), "{:?}", began.elapsed());
        assert_eq!(taken.iter().flatten().count(), 2);
    }

    #[tokio::test]
    async fn a_worker_sends_its_next_order_when_the_last_one_is_done() {
        let mut dispatcher = Dispatcher::new(Arrivals::Workers(1), 100);
        let first = dispatcher.next().await;
        assert!(tokio::time::timeout(Duration::from_millis(20), dispatcher.next()).await.is_err());
        drop(first);
        assert!(dispatcher.next().await.is_some());
    }
}
