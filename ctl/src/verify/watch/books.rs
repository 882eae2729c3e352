//! One look at payment, inventory and payment again, in the order that makes the checks of `verify` safe.

use std::collections::BTreeSet;

use super::coverage::Selection;
use super::part::{Checked, Report};
use crate::verify::database::{Reader, Snapshot};
use crate::verify::facts::{Names, Orders};
use crate::verify::findings::Findings;
use crate::verify::ledger_sample::{self, RowKey};
use crate::verify::scope::Scope;
use crate::verify::{VerifyError, catalogues, events, in_progress, keys, ledger, money, orders};
use std::time::Duration;

/// Offenders of an invariant that one look names.
const NAMED: usize = 1000;

pub(super) struct Looked {
    pub report: Report,
    /// As they were read first.
    pub orders: Orders,
    /// The page of the ledger.
    pub page: Vec<RowKey>,
}

pub(super) async fn look(
    payment: &Reader,
    inventory: &Reader,
    selection: &Selection,
) -> Result<Looked, VerifyError> {
    let mut findings = Findings::naming(NAMED);
    let mut names = Names::default();
    let scope = Scope::Only(selection.orders.clone());

    let first = Snapshot::of(payment).await?;
    let orders = orders::read_and_judge(&first, &scope, None, &mut names, &mut findings).await?;
    in_progress::judge(&first, &orders, &mut findings).await?;
    money::judge_orphans(&first, &scope, &mut findings).await?;
    keys::judge(&first, &scope, &mut findings).await?;
    first.end().await?;

    let second = Snapshot::of(inventory).await?;
    let (taken, touched) =
        ledger_sample::of_orders(&second, &selection.orders, &mut names, &mut findings).await?;
    let page = match &selection.page_after {
        Some((after, limit)) => {
            ledger_sample::page(&second, after, *limit, &mut names, &mut findings).await?
        }
        None => Vec::new(),
    };
    ledger_sample::again(&second, &selection.rows, &mut names, &mut findings).await?;
    let skus: BTreeSet<String> = touched.into_iter().chain(selection.skus.iter().cloned()).collect();
    let skus: Vec<String> = skus.into_iter().collect();
    ledger_sample::products(&second, &skus, &mut names, &mut findings).await?;
    let inventory_inbox = events::inventory_inbox(&second, &scope, &mut findings).await?;
    second.end().await?;

    // An inbox row stays: it may be read after its effect.
    let replies = Scope::Only(inventory_inbox.reply_ids());
    let payment_inbox = events::payment_inbox(payment, &replies, &mut findings).await?;
    let ids = taken.keys().chain(inventory_inbox.orders());
    let later = orders::read_again(payment, &orders, ids, &mut names).await?;
    ledger::judge_orders(&orders, &later, &taken, &names, &mut findings);
    events::judge_orders(&orders, &later, &inventory_inbox, &payment_inbox, &mut findings);

    let checked = Checked {
        orders: selection.orders.iter().copied().collect(),
        skus: skus.into_iter().collect(),
        rows: page.iter().chain(&selection.rows).cloned().collect(),
        events: false,
    };
    Ok(Looked { report: Report { checked, offenders: findings.offenders().collect() }, orders, page })
}

/// `orders`: those of the look.
pub(super) async fn look_at_owners(user: &Reader, orders: &Orders) -> Result<Report, VerifyError> {
    let mut findings = Findings::naming(NAMED);
    keys::judge_owners(user, orders, &mut findings).await?;
    let checked = Checked { orders: orders.keys().copied().collect(), ..Checked::default() };
    Ok(Report { checked, offenders: findings.offenders().collect() })
}

pub(super) async fn look_at_catalogues(
    payment: &Reader,
    inventory: &Reader,
    selection: &Selection,
    delay: Duration,
) -> Result<Report, VerifyError> {
    let mut findings = Findings::naming(NAMED);
    catalogues::judge_products(inventory, payment, &selection.skus, delay, &mut findings).await?;
    let checked = Checked { skus: selection.skus.iter().cloned().collect(), ..Checked::default() };
    Ok(Report { checked, offenders: findings.offenders().collect() })
}
