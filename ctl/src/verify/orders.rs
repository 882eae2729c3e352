//! Keeps only fields that other databases must match.

use std::collections::{HashMap, HashSet};

use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    VerifyError,
    client_history::ClientHistory,
    database::{Reader, Snapshot},
    facts::{Lines, Names, Order, Orders, Status},
    findings::{Findings, Invariant},
    history::{self, End},
    money::{self, Booked, Sums},
    order_row::OrderRow,
    scope::Scope,
    timeline,
};

const LINES: &str =
    "(SELECT string_agg((i->>'sku') || ' ' || (i->>'quantity'), ' ') FROM json_array_elements(o.items) i)";

/// Charges and refunds by order: all of them at once, or order by order through an index.
fn booked(scope: &Scope) -> String {
    let charges =
        "count(*) AS n, sum(amount)::bigint AS amount, min(currency) AS currency, min(charge_id) AS charge_id
                   FROM provider.charges";
    let refunds =
        "count(*) AS n, sum(amount)::bigint AS amount, min(refund_id) AS refund_id FROM provider.refunds";
    let join = |sums: &str, name: &str| match scope {
        Scope::All => {
            format!("LEFT JOIN (SELECT order_id, {sums} GROUP BY order_id) {name} ON {name}.order_id = o.id")
        }
        Scope::Only(_) => format!("LEFT JOIN LATERAL (SELECT {sums} WHERE order_id = o.id) {name} ON true"),
    };
    format!("{} {}", join(charges, "c"), join(refunds, "r"))
}

/// One row an order, with lines and timeline as words.
fn query(scope: &Scope) -> String {
    let step = |version: u32, status: &str, at: &str| {
        format!("'{version} ' || {status} || ' ' || (extract(epoch FROM o.{at}) * 1000000)::bigint")
    };
    let placed = step(1, "'pending'", "created_at");
    let paid = step(2, "CASE o.status WHEN 'declined' THEN 'declined' ELSE 'completed' END", "settled_at");
    let ended = step(3, "o.status", "ended_at");
    let booked = booked(scope);
    let filter = scope.filter("o.id");
    format!(
        "SELECT o.id, o.user_id, o.status, o.payment_method, {LINES}, extract(epoch FROM now() - o.created_at)::float8, o.version,
                concat_ws(' ', {placed}, {paid}, {ended}),
                o.total, o.currency, o.charge_id, o.refund_id,
                coalesce(c.n, 0), coalesce(c.amount, 0), c.currency, c.charge_id, coalesce(r.n, 0), coalesce(r.amount, 0), r.refund_id
         FROM orders o {booked} WHERE {filter}"
    )
}

/// Judges I5 and I6, and I4 unless `in_progress` judges the open orders of the scope.
pub(super) async fn read_and_judge(
    payment: &Snapshot<'_>,
    scope: &Scope,
    log: Option<&ClientHistory>,
    names: &mut Names,
    findings: &mut Findings,
) -> Result<Orders, VerifyError> {
    let mut orders = Orders::new();
    let mut sums = Sums::default();
    let mut young = 0_u64;
    let take = |row: &Row| {
        let row = read(row, names);
        young += u64::from(judge_end(&row, scope, findings));
        judge_money(&row, &mut sums, findings);
        judge_history(&row, log, findings);
        let OrderRow { user, status, method, lines, .. } = row;
        orders.insert(row.id, Order { user, status, method, lines });
    };
    payment.each(&query(scope), &scope.arguments(), take).await?;
    if !scope.is_all() {
        return Ok(orders);
    }
    if young > 0 {
        findings
            .of(Invariant::OneEnd)
            .not_judged(format!("{young} orders are open and younger than {} s", history::STUCK_AFTER));
    }
    sums.contradictions().for_each(|offender| findings.of(Invariant::Money).broken(offender));
    judge_seen(&orders, log, findings);
    Ok(orders)
}

/// I4. True if the order may still end in time.
fn judge_end(row: &OrderRow, scope: &Scope, findings: &mut Findings) -> bool {
    let found = findings.of(Invariant::OneEnd);
    found.looked_at(1);
    match history::end(row) {
        End::Good => return false,
        End::Open => return true,
        End::Late(_) if !scope.is_all() => {}
        End::Late(why) | End::Broken(why) => found.broken_order(row.id, why),
    }
    false
}

fn judge_money(row: &OrderRow, sums: &mut Sums, findings: &mut Findings) {
    let found = findings.of(Invariant::Money);
    found.looked_at(1);
    sums.add(row.status, &row.booked);
    if let Some(why) = money::contradiction(row.status, &row.booked) {
        found.broken_order(row.id, why);
    }
}

fn judge_history(row: &OrderRow, log: Option<&ClientHistory>, findings: &mut Findings) {
    let found = findings.of(Invariant::History);
    found.looked_at(1);
    let seen = log.map_or(&[][..], |log| log.seen(row.id));
    found.looked_at(seen.len());
    let why = history::contradiction(row).or_else(|| history::unknown_state(row, seen));
    if let Some(why) = why {
        found.broken_order(row.id, why);
    }
}

/// I6: seen orders exist, and versions rise.
fn judge_seen(orders: &Orders, log: Option<&ClientHistory>, findings: &mut Findings) {
    let Some(log) = log else { return };
    let found = findings.of(Invariant::History);
    log.went_back().for_each(|offender| found.broken(offender));
    let lost = log.seen_orders().filter(|order| !orders.contains_key(order));
    lost.for_each(|order| found.broken_order(*order, "a client saw it, payment does not have it"));
}

fn read(row: &Row, names: &mut Names) -> OrderRow {
    let text = |column: usize| row.get::<_, Option<&str>>(column).unwrap_or_default();
    let owned = |column: usize| row.get::<_, Option<String>>(column);
    OrderRow {
        id: row.get(0),
        user: row.get(1),
        // The CHECK of the column excludes unknown values.
        status: Status::parse(text(2)).unwrap_or(Status::Pending),
        method: names.number(text(3)),
        lines: Lines::parse(text(4), names),
        age: row.get(5),
        version: row.get(6),
        timeline: timeline::steps(text(7)),
        booked: Booked {
            total: row.get(8),
            currency: row.get(9),
            charge_id: owned(10),
            refund_id: owned(11),
            charges: row.get(12),
            charged: row.get(13),
            charged_currency: owned(14),
            provider_charge: owned(15),
            refunds: row.get(16),
            refunded: row.get(17),
            provider_refund: owned(18),
        },
    }
}

/// Later states of orders unknown or in flight at first.
pub(super) type Later = HashMap<Uuid, (Status, Lines)>;

/// Reads orders without a final state again.
pub(super) async fn read_again(
    payment: &Reader,
    orders: &Orders,
    ids: impl Iterator<Item = &Uuid>,
    names: &mut Names,
) -> Result<Later, VerifyError> {
    let open = |id: &&Uuid| orders.get(*id).is_none_or(|order| !order.status.is_terminal());
    let ids: HashSet<Uuid> = ids.filter(open).copied().collect();
    let mut later = Later::new();
    if ids.is_empty() {
        return Ok(later);
    }
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let take = |row: &Row| {
        let status = Status::parse(row.get(1)).unwrap_or(Status::Pending);
        later.insert(
            row.get(0),
            (status, Lines::parse(row.get::<_, Option<&str>>(2).unwrap_or_default(), names)),
        );
    };
    payment
        .each(&format!("SELECT o.id, o.status, {LINES} FROM orders o WHERE o.id = ANY($1)"), &[&ids], take)
        .await?;
    Ok(later)
}
