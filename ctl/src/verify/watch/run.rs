use std::convert::Infallible;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::time::{Instant, sleep, timeout};

use super::board::Board;
use super::books::{self, Looked};
use super::coverage::{Coverage, Selection};
use super::http::Pages;
use super::lost_events::LostEvents;
use super::metrics::Metrics;
use super::options::Options;
use super::part::{Part, Report};
use super::servers::Servers;
use super::shown::Shown;
use super::state::{Change, Verdict};
use crate::verify::facts::Orders;
use crate::verify::{Sources, VerifyError};

/// A part takes milliseconds. Longer than the limit of a statement.
const PART_WITHIN: Duration = Duration::from_secs(30);
/// Steps of a look: lost events and suspicions are looked at in each, the rest in the first one.
const STEPS: u32 = 4;

/// Never ends. `tell` hears of every changed verdict.
pub async fn watch(sources: &Sources, options: Options, pages: &Pages, tell: impl Fn(String)) -> Infallible {
    let mut watch = Watch::new(sources, options);
    pages.begin(watch.metrics.handle.clone());
    pages.show(&watch.shown());
    let mut step = 0;
    loop {
        let began = Instant::now();
        for change in watch.step(step == 0).await {
            tell(sentence(&change));
        }
        step = (step + 1) % STEPS;
        pages.show(&watch.shown());
        // At most half of the time, however slow the servers are.
        let spent = began.elapsed();
        let rest = (watch.options.interval / STEPS).saturating_sub(spent);
        sleep(rest.max(spent.min(watch.options.interval))).await;
    }
}

fn sentence(change: &Change) -> String {
    let why = change.why.as_deref().unwrap_or("a look found nothing wrong");
    match change.verdict {
        Verdict::Broken => format!("{} is broken: {why}", change.invariant),
        Verdict::Unknown => format!("{} is unknown: {why}", change.invariant),
        Verdict::Ok | Verdict::NotWatched => format!("{} holds: {why}", change.invariant),
    }
}

struct Watch {
    options: Options,
    servers: Servers,
    lost_events: LostEvents,
    coverage: Coverage,
    board: Board,
    metrics: Metrics,
    orders_checked: u64,
}

impl Watch {
    fn new(sources: &Sources, options: Options) -> Self {
        Self {
            servers: Servers::new(sources),
            lost_events: LostEvents::new(sources, &options),
            coverage: Coverage::new(),
            board: Board::new(Timestamp::now(), options.parts()),
            metrics: Metrics::new(),
            orders_checked: 0,
            options,
        }
    }

    fn shown(&self) -> Shown {
        Shown {
            orders_checked: self.orders_checked,
            open_orders: self.coverage.open(),
            all_checked_at: self.coverage.all_checked_at,
            ..Shown::new(&self.board, &self.options, Timestamp::now())
        }
    }

    /// `is_full`: a whole look, not only at what must be seen again soon.
    async fn step(&mut self, is_full: bool) -> Vec<Change> {
        let mut changes = self.look_for_lost_events().await;
        if is_full || self.board.has_suspicions() {
            changes.extend(self.look(is_full).await);
        }
        self.metrics.show(&self.board, self.coverage.open(), self.coverage.all_checked_at);
        changes
    }

    async fn look_for_lost_events(&mut self) -> Vec<Change> {
        let at = Timestamp::now();
        let report = answered(self.lost_events.look(at)).await;
        if report.is_err() {
            self.lost_events.disconnect();
        }
        self.take(Part::LostEvents, &report)
    }

    async fn look(&mut self, is_full: bool) -> Vec<Change> {
        let began = Instant::now();
        let looked =
            answered(look_at_books(&mut self.servers, &self.coverage, &self.options, &self.board, is_full))
                .await;
        let (selection, looked) = match looked {
            Ok(looked) => looked,
            Err(why) => return self.without_books(&why, began),
        };
        let Looked { report, orders, page } = looked;
        self.coverage.done(&selection, &orders, &page, Timestamp::now());
        self.orders_checked += orders.len() as u64;
        let owners = self.look_at_owners(&orders).await;
        let catalogues = self.look_at_catalogues(&selection).await;
        let is_complete = owners.is_ok() && catalogues.is_ok();
        let mut changes = self.take(Part::Books, &Ok(report));
        changes.extend(self.take(Part::Owners, &owners));
        changes.extend(self.take(Part::Catalogues, &catalogues));
        self.metrics.looked(orders.len(), began.elapsed(), is_complete);
        changes
    }

    /// The books tell which orders and products the other parts look at.
    fn without_books(&mut self, why: &str, began: Instant) -> Vec<Change> {
        self.servers.leave_books();
        self.metrics.looked(0, began.elapsed(), false);
        let failed = [Part::Books, Part::Owners, Part::Catalogues];
        failed.into_iter().flat_map(|part| self.take(part, &Err(why.to_owned()))).collect()
    }

    async fn look_at_owners(&mut self, orders: &Orders) -> Result<Report, String> {
        if self.options.foreign_accounts {
            return Ok(Report::default());
        }
        let servers = &mut self.servers;
        let look = async { books::look_at_owners(servers.user().await?, orders).await };
        let report = answered(look).await;
        if report.is_err() {
            self.servers.leave_user();
        }
        report
    }

    async fn look_at_catalogues(&mut self, selection: &Selection) -> Result<Report, String> {
        let servers = &mut self.servers;
        let delay = self.options.catalogue_delay;
        let look = async {
            let (payment, inventory) = servers.books().await?;
            books::look_at_catalogues(payment, inventory, selection, delay).await
        };
        let report = answered(look).await;
        if report.is_err() {
            self.servers.leave_books();
        }
        report
    }

    fn take(&mut self, part: Part, report: &Result<Report, String>) -> Vec<Change> {
        self.board.take(part, report.as_ref().map_err(String::as_str), Timestamp::now())
    }
}

async fn look_at_books(
    servers: &mut Servers,
    coverage: &Coverage,
    options: &Options,
    board: &Board,
    is_full: bool,
) -> Result<(Selection, Looked), VerifyError> {
    let (payment, inventory) = servers.books().await?;
    let again = board.again();
    let selection = if is_full {
        coverage.select(payment, inventory, options, again).await?
    } else {
        Selection::again(again)
    };
    let looked = books::look(payment, inventory, &selection).await?;
    Ok((selection, looked))
}

/// An error in words. A panic is a defect of one part, and no reason to stop looking.
async fn answered<T>(look: impl Future<Output = Result<T, VerifyError>>) -> Result<T, String> {
    let look = timeout(PART_WITHIN, AssertUnwindSafe(Box::pin(look)).catch_unwind());
    match look.await {
        Ok(Ok(Ok(answer))) => Ok(answer),
        Ok(Ok(Err(error))) => Err(words(&error)),
        Ok(Err(_)) => Err("the verifier panicked; its log has the place".to_owned()),
        Err(_) => Err(words(&VerifyError::Late { limit: PART_WITHIN })),
    }
}

fn words(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", words(source)),
        None => error.to_string(),
    }
}
