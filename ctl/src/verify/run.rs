//! The order of reading makes the check safe.

use super::client_history::ClientHistory;
use super::database::{Reader, Snapshot};
use super::error::VerifyError;
use super::facts::Names;
use super::findings::Findings;
use super::pending_work::pending_work;
use super::scope::Scope;
use super::sources::{Evidence, Sources};
use super::verdict::Verdict;
use super::{catalogues, client_keys, events, keys, ledger, money, orders, streams};

pub async fn verify(sources: &Sources, evidence: &Evidence) -> Result<Verdict, VerifyError> {
    let not_quiet = pending_work(sources).await?;
    let mut findings = Findings::default();
    let mut names = Names::default();
    let log = evidence.client_log.as_deref().map(|path| ClientHistory::read(path, &mut names)).transpose()?;
    let streams = streams::read_all(&sources.redis).await?;

    let payment = Reader::connect("payment", &sources.payment_database).await?;
    let first = Snapshot::of(&payment).await?;
    let all = Scope::All;
    let orders = orders::read_and_judge(&first, &all, log.as_ref(), &mut names, &mut findings).await?;
    money::judge_orphans(&first, &all, &mut findings).await?;
    let keys = keys::read_and_judge(&first, log.as_ref(), &mut findings).await?;
    let payment_inbox = events::payment_inbox(&first, &all, &mut findings).await?;
    first.end().await?;

    let inventory = Reader::connect("inventory", &sources.inventory_database).await?;
    let second = Snapshot::of(&inventory).await?;
    let taken = ledger::read_and_judge(&second, &mut names, &mut findings).await?;
    let inventory_inbox = events::inventory_inbox(&second, &all, &mut findings).await?;
    drop(inventory);

    let ids = taken.keys().chain(inventory_inbox.orders());
    let later = orders::read_again(&payment, &orders, ids, &mut names).await?;
    drop(payment);
    ledger::judge_orders(&orders, &later, &taken, &names, &mut findings);
    events::judge_orders(&orders, &later, &inventory_inbox, &payment_inbox, &mut findings);
    events::judge_streams(&streams, &inventory_inbox, &payment_inbox, &mut findings);
    events::judge_dead_letters(
        &streams,
        &inventory_inbox,
        &payment_inbox,
        log.as_ref(),
        not_quiet.is_empty(),
        &mut findings,
    );
    catalogues::judge(sources, &not_quiet, &mut findings).await?;
    findings.without_samples();
    let user = Reader::connect("user", &sources.user_database).await?;
    keys::judge_owners(&user, &orders, &mut findings).await?;
    if let Some(log) = &log {
        client_keys::judge(log, &orders, &keys, &names, &mut findings);
        keys::judge_ghosts(&keys, evidence, &mut findings)?;
    } else {
        findings.without_client_log();
    }
    Ok(Verdict { checks: findings.checks(), not_quiet })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::{Sampler, disagreements};

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
        let evidence = Evidence::default();
        let mut sampler = Sampler::new(&sources);
        assert_send(verify(&sources, &evidence));
        assert_send(pending_work(&sources));
        assert_send(disagreements(&sources));
        assert_send(sampler.sample());
    }
}
