//! The invariants I1 to I12: judged from the three databases, the provider's books, the streams and a
//! client's log.
//!
//! I13 to I15 are about what happens meanwhile: `chaos` judges them from its samples.
//!
//! It only reads. On a live system it judges what can be judged and says what cannot before it is quiet. What
//! makes that safe is the order of reading, always from the effect back to its cause: first the client's log
//! and the streams, then payment (t1), then inventory (t2), and payment once more (t3) for the orders that
//! were still on their way.
//!
//! | known at | therefore |
//! | --- | --- |
//! | `ok` in the log | the order is there at t1 |
//! | read and acknowledged in a stream | the inbox row is there at t1, or t2 |
//! | `confirmed` at t1 | the ledger has it at t2 |
//! | in the ledger at t2 | the order is paid at t3, and never refunded |

mod catalogues;
mod client_history;
mod connection;
mod database;
mod error;
mod events;
mod facts;
mod findings;
mod history;
mod keys;
mod ledger;
mod money;
mod orders;
mod pending_work;
mod report;
mod sampler;
mod streams;

use std::path::PathBuf;

use serde::Serialize;

pub use catalogues::disagreements;
pub use error::VerifyError;
pub use pending_work::pending_work;
pub use report::render;
pub use sampler::Sampler;

use client_history::ClientHistory;
use database::Snapshot;
use facts::Names;
use findings::Findings;

/// Where the truth is.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The database of `user`, as a URL.
    pub user_database: String,
    /// The database of `inventory`.
    pub inventory_database: String,
    /// The database of `payment`, with the provider's books.
    pub payment_database: String,
    /// Redis, as a URL.
    pub redis: String,
}

/// What else is known.
#[derive(Debug, Clone, Default)]
pub struct Evidence {
    /// For I3, I6 (polled states), I8, I9 and I11.
    pub client_log: Option<PathBuf>,
}

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// I1 to I15, in order.
    pub checks: Vec<Check>,
    /// Why some of it could not be judged yet; empty when the system is quiet.
    pub not_quiet: Vec<String>,
}

/// One invariant.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// `I1`
    pub id: &'static str,
    /// `conservation`
    pub name: &'static str,
    /// What was compared, in a few words.
    pub what: &'static str,
    /// How many rows, orders or events were looked at.
    pub looked_at: u64,
    /// How it stands.
    pub judgement: Judgement,
}

/// How it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub enum Judgement {
    /// Nothing contradicts it.
    Holds,
    /// Something does.
    Broken {
        /// How many offenders there are.
        count: u64,
        /// The first ids, each with what is wrong with it.
        offenders: Vec<String>,
    },
    /// It cannot be judged, or not yet.
    NotJudged {
        /// What is missing.
        why: String,
    },
}

impl Verdict {
    /// Whether nothing is broken. What could not be judged does not count.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.broken().next().is_none()
    }

    /// The invariants that are broken.
    pub fn broken(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| matches!(check.judgement, Judgement::Broken { .. }))
    }
}

/// Judges all invariants.
///
/// # Errors
/// A server does not answer, a query fails, or the client log cannot be read.
pub async fn verify(sources: &Sources, evidence: &Evidence) -> Result<Verdict, VerifyError> {
    let not_quiet = pending_work(sources).await?;
    let (mut findings, mut names) = (Findings::default(), Names::default());
    let log = evidence.client_log.as_deref().map(|path| ClientHistory::read(path, &mut names)).transpose()?;
    let streams = streams::read_all(&sources.redis).await?;

    let payment = Snapshot::open("payment", &sources.payment_database).await?;
    let orders = orders::read_and_judge(&payment, log.as_ref(), &mut names, &mut findings).await?;
    money::judge_orphans(&payment, &mut findings).await?;
    let keys = keys::read_and_judge(&payment, log.as_ref(), &mut findings).await?;
    let payment_inbox = events::payment_inbox(&payment, &mut findings).await?;
    drop(payment);

    let inventory = Snapshot::open("inventory", &sources.inventory_database).await?;
    let taken = ledger::read_and_judge(&inventory, &mut names, &mut findings).await?;
    let inventory_inbox = events::inventory_inbox(&inventory, &mut findings).await?;
    drop(inventory);

    let later =
        orders::read_again(sources, &orders, taken.keys().chain(inventory_inbox.orders()), &mut names).await?;
    ledger::judge_orders(&orders, &later, &taken, &names, &mut findings);
    events::judge_orders(&orders, &later, &inventory_inbox, &payment_inbox, &mut findings);
    events::judge_streams(&streams, &inventory_inbox, &payment_inbox, &mut findings);
    events::judge_dead_letters(&streams, &inventory_inbox, &payment_inbox, log.as_ref(), not_quiet.is_empty(), &mut findings);
    catalogues::judge(sources, &not_quiet, &mut findings).await?;
    findings.without_samples();
    keys::judge_owners(sources, &orders, &mut findings).await?;
    if let Some(log) = &log {
        client_history::judge(log, &orders, &keys, &names, &mut findings);
        keys::judge_ghosts(&keys, evidence, &mut findings)?;
    } else {
        findings.without_client_log();
    }
    Ok(Verdict { checks: findings.checks(), not_quiet })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_send<T: Send>(_: T) {}

    #[test]
    fn everything_can_run_in_a_task_of_its_own() {
        let url = || "redis://127.0.0.1".to_owned();
        let sources = Sources {
            user_database: url(),
            inventory_database: url(),
            payment_database: url(),
            redis: url(),
        };
        let (evidence, mut sampler) = (Evidence::default(), Sampler::new(&sources));
        assert_send(verify(&sources, &evidence));
        assert_send(pending_work(&sources));
        assert_send(disagreements(&sources));
        assert_send(sampler.sample());
    }
}
