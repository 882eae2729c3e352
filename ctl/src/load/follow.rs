//! When open orders outnumber long polls, each is polled briefly in turn: long waits would be unfair.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::time::sleep;

use super::backoff::Backoff;
use super::call::call;
use super::customers::Customer;
use super::inner::Inner;
use super::sender::Placed;
use crate::client_log::Record;

/// Short, to notice a silently dead instance.
const LONG_POLL: Duration = Duration::from_secs(5);
/// Limit of brief polls: enough to see final states, few compared with the load.
const POLLS_A_SECOND: f64 = 500.0;
/// Pause between brief polls of an order.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);

impl Inner {
    /// `began`: the first attempt.
    pub(super) async fn follow(&self, customer: &Customer, placed: Placed, began: Instant) {
        self.stats.open.up();
        let deadline = Instant::now() + self.plan.patience;
        let mut order = placed;
        let mut backoff = Backoff::new();
        while !is_final(&order.status) {
            if Instant::now() >= deadline {
                return self.stuck(order.id);
            }
            match self.poll(customer, &order).await {
                Poll::Answered { now, crowded } => {
                    let moved = now.version > order.version;
                    order = now;
                    backoff = Backoff::new();
                    if crowded && !moved {
                        sleep(self.pause_when_crowded()).await;
                    }
                }
                Poll::Failed { retry_after } => sleep(backoff.pause(retry_after)).await,
            }
        }
        self.stats.note_end(&order.status, began.elapsed());
    }

    async fn poll(&self, customer: &Customer, order: &Placed) -> Poll {
        let crowded = self.polls.available_permits() == 0;
        // The semaphore is never closed.
        let Ok(_slot) = self.polls.acquire().await else { return Poll::Failed { retry_after: None } };
        let wait = if crowded { Duration::ZERO } else { LONG_POLL };
        let instance = self.payment.next();
        let token = customer.token(&self.accounts).await;
        let query = format!("wait={}&after_version={}", wait.as_secs(), order.version);
        let request =
            self.http.get(format!("{}/orders/{}?{query}", instance.url(), order.id)).bearer_auth(&token.text);
        // Boxed: of many waiting orders, only those with a poll in flight need the space.
        match self.count(Box::pin(call(request, wait)).await, &instance) {
            Ok(answer) if answer.status == 200 => self.note_seen(&answer.body, crowded),
            Ok(answer) => {
                if answer.status == 401 {
                    customer.refused(&token, &self.accounts).await;
                }
                Poll::Failed { retry_after: answer.retry_after }
            }
            Err(_) => Poll::Failed { retry_after: None },
        }
    }

    fn note_seen(&self, body: &str, crowded: bool) -> Poll {
        let Ok(now) = serde_json::from_str::<Placed>(body) else {
            return Poll::Failed { retry_after: None };
        };
        self.log.note(&Record::Seen {
            at: Timestamp::now(),
            order: now.id,
            status: now.status.clone(),
            version: now.version,
        });
        Poll::Answered { now, crowded }
    }

    fn pause_when_crowded(&self) -> Duration {
        Duration::from_secs_f64(self.stats.open() as f64 / POLLS_A_SECOND).max(SHORTEST_PAUSE)
    }
}

enum Poll {
    Answered { now: Placed, crowded: bool },
    Failed { retry_after: Option<Duration> },
}

fn is_final(status: &str) -> bool {
    matches!(status, "confirmed" | "refunded" | "declined")
}
