use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};

use super::arrivals::Dispatcher;
use super::assortment::Assortment;
use super::customers::Accounts;
use super::error::LoadError;
use super::inner::Inner;
use super::instances::Instances;
use super::plan::{LoadPlan, ServiceUrls};
use super::quota::Quota;
use super::report::LoadReport;
use super::sender::{NewOrder, Placement};
use super::stats::LoadStats;
use crate::api::http_client;
use crate::client_log::ClientLog;
use crate::state::Login;

/// Clones share the load.
#[derive(Debug, Clone)]
pub struct Load(Arc<Inner>);

impl Load {
    /// Retries errors for 10 s.
    pub async fn prepare(
        urls: ServiceUrls,
        admin: &Login,
        plan: LoadPlan,
        log: ClientLog,
    ) -> Result<Self, LoadError> {
        plan.check().and_then(|()| urls.check()).map_err(LoadError::Plan)?;
        let http = http_client().build().map_err(LoadError::Client)?;
        let accounts = Accounts::new(&urls)?;
        let stock = Assortment::new(plan.mix.products);
        let admin = accounts.log_in(admin).await?;
        stock.create(&http, &urls.inventory[0], &admin.access_token, plan.mix.hot_stock).await?;
        let customers = accounts.register(plan.mix.customers).await?;
        Ok(Self(Arc::new(Inner {
            payment: Instances::new(&urls.payment),
            polls: Semaphore::new(plan.in_flight),
            stats: Arc::new(LoadStats::new()),
            quota: Arc::new(Quota::new()),
            stuck: Mutex::default(),
            log_failure: OnceLock::new(),
            plan,
            http,
            accounts,
            customers,
            stock,
            log,
        })))
    }

    /// Keeps the old addresses on error.
    pub fn set_urls(&self, urls: ServiceUrls) -> Result<(), LoadError> {
        urls.check().map_err(LoadError::Plan)?;
        self.0.accounts.replace(&urls)?;
        self.0.payment.replace(&urls.payment);
        Ok(())
    }

    #[must_use]
    pub fn stats(&self) -> Arc<LoadStats> {
        Arc::clone(&self.0.stats)
    }

    #[must_use]
    pub fn quota(&self) -> Arc<Quota> {
        Arc::clone(&self.0.quota)
    }

    #[must_use]
    pub fn stock(&self) -> &Assortment {
        &self.0.stock
    }

    /// Returns when all orders are in a final state or `patience` is over. Call once; dropping the future
    /// ends the load.
    pub async fn run(&self) -> LoadReport {
        let began = Instant::now();
        let mut orders = JoinSet::new();
        let work = async {
            self.send_all(began, &mut orders).await;
            let sending = began.elapsed();
            while let Some(ended) = orders.join_next().await {
                propagate_panic(ended);
            }
            sending
        };
        let sending = tokio::select! {
            sending = work => sending,
            never = self.0.payment.probe_all(&self.0.http) => match never {},
        };
        let stuck = std::mem::take(&mut *self.0.stuck.lock().unwrap_or_else(PoisonError::into_inner));
        let failure = self.0.log_failure.get().cloned();
        LoadReport::new(&self.0.stats, self.0.plan.seed, sending, began.elapsed(), stuck, failure)
    }

    async fn send_all(&self, began: Instant, orders: &mut JoinSet<()>) {
        let plan = &self.0.plan;
        let all = self.send_each(orders);
        match plan.time {
            None => all.await,
            // Orders in flight continue.
            Some(time) => _ = tokio::time::timeout_at((began + time).into(), all).await,
        }
    }

    async fn send_each(&self, orders: &mut JoinSet<()>) {
        let plan = &self.0.plan;
        let mut dispatcher = Dispatcher::new(plan.arrivals, plan.in_flight);
        for number in 0..plan.orders.unwrap_or(u64::MAX) {
            if plan.metered && !self.0.quota.try_take() {
                self.0.quota.take().await;
                dispatcher.restart();
            }
            match dispatcher.next().await {
                Some(slot) => _ = orders.spawn(Arc::clone(&self.0).order(number, slot)),
                None => self.0.stats.not_offered.up(),
            }
            while let Some(ended) = orders.try_join_next() {
                propagate_panic(ended);
            }
            if self.0.log_failure.get().is_some() {
                break;
            }
        }
    }
}

impl Inner {
    async fn order(self: Arc<Self>, number: u64, slot: OwnedSemaphorePermit) {
        let turn = usize::try_from(number).unwrap_or(usize::MAX) % self.customers.len();
        let body = self.stock.order(&self.plan.mix, self.plan.seed, number);
        let order = NewOrder::new(Arc::clone(&self.customers[turn]), body);
        let placed = self.place(&order).await;
        drop(slot);
        match placed {
            Ok((began, Placement::Accepted(placed))) if self.plan.follow => {
                self.follow(&order.customer, placed, began).await
            }
            Ok(_) => {}
            Err(error) => _ = self.log_failure.set(error.to_string()),
        }
    }
}

/// A defect of the load would make the report wrong.
fn propagate_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        std::panic::resume_unwind(error.into_panic());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::{Arrivals, Mix};

    fn sendable<T: Send>(value: T) -> T {
        value
    }

    #[tokio::test]
    async fn a_plan_without_an_end_is_refused_on_any_thread() {
        let mix = Mix {
            customers: 1,
            products: 1,
            hot: 0.0,
            hot_stock: 0,
            scarce: 0.0,
            several_lines: 0.0,
            odd_methods: 0.0,
        };
        let arrivals = Arrivals::Workers(1);
        let orders = None;
        let time = None;
        let patience = Duration::from_secs(1);
        let plan = LoadPlan {
            orders,
            time,
            arrivals,
            in_flight: 1,
            metered: true,
            follow: true,
            retry: true,
            mix,
            seed: 0,
            patience,
        };
        let nowhere = ServiceUrls { user: Vec::new(), inventory: Vec::new(), payment: Vec::new() };
        let admin = Login { email: String::new(), password: String::new() };
        let prepared = sendable(async move {
            let load = Load::prepare(nowhere, &admin, plan, ClientLog::none()).await?;
            Ok::<_, LoadError>(load.run().await)
        });
        let error = prepared.await.expect_err("no end").to_string();
        assert!(error.contains("a number of orders or a time"), "{error}");
    }
}
