//! I8 and I9: a user's key has one order, an order has an account.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    Evidence, VerifyError,
    client_history::ClientHistory,
    database::{Reader, Snapshot},
    facts::{Names, Orders},
    findings::{About, Findings, Invariant},
    scope::Scope,
};

/// Stored keys by user of the client log.
#[derive(Debug, Default)]
pub(super) struct Keys(HashMap<Uuid, HashMap<String, Uuid>>);

impl Keys {
    pub(super) fn add(&mut self, user: Uuid, key: &str, order: Uuid) {
        self.0.entry(user).or_default().insert(key.to_owned(), order);
    }

    pub(super) fn order(&self, user: Uuid, key: &str) -> Option<Uuid> {
        self.0.get(&user)?.get(key).copied()
    }
}

/// Keys with several orders, one of them in the scope, and the first of their orders.
fn repeated(scope: &Scope) -> &'static str {
    match scope {
        Scope::All => {
            "SELECT user_id, idempotency_key, count(*), min(id::text) FROM orders
             GROUP BY user_id, idempotency_key HAVING count(*) > 1"
        }
        // Key by key through the index.
        Scope::Only(_) => {
            "SELECT k.user_id, k.idempotency_key, same.n, same.first FROM orders k
             CROSS JOIN LATERAL (SELECT count(*) AS n, min(o.id::text) AS first FROM orders o
                 WHERE o.user_id = k.user_id AND o.idempotency_key = k.idempotency_key) same
             WHERE k.id = ANY($1) AND same.n > 1"
        }
    }
}

/// Reads the keys of the users of the log, and judges I8.
pub(super) async fn read_and_judge(
    payment: &Snapshot<'_>,
    log: Option<&ClientHistory>,
    findings: &mut Findings,
) -> Result<Keys, VerifyError> {
    let users: HashSet<Uuid> = log.into_iter().flat_map(ClientHistory::users).copied().collect();
    let mut keys = Keys::default();
    let found = findings.of(Invariant::Idempotency);
    let take = |row: &tokio_postgres::Row| {
        let user: Uuid = row.get(0);
        let key: &str = row.get(1);
        let order: Uuid = row.get(2);
        found.looked_at(1);
        if users.contains(&user) {
            keys.add(user, key, order);
        }
    };
    payment.each("SELECT user_id, idempotency_key, id FROM orders", &[], take).await?;
    judge(payment, &Scope::All, findings).await?;
    Ok(keys)
}

/// I8: a key has one order.
pub(super) async fn judge(
    payment: &Snapshot<'_>,
    scope: &Scope,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let found = findings.of(Invariant::Idempotency);
    let take = |row: &tokio_postgres::Row| {
        let first: &str = row.get(3);
        let about = first.parse().map_or(About::Whole, About::Order);
        let user: Uuid = row.get(0);
        let key: &str = row.get(1);
        let orders: i64 = row.get(2);
        found.broken_at(about, format!("key {key} of user {user}: it has {orders} orders, one is {first}"));
    };
    payment.each(repeated(scope), &scope.arguments(), take).await
}

/// Older orders are left out: the audit trail of their account may be over. The shortest `audit-retention` is
/// 30 days.
const RECENT: SignedDuration = SignedDuration::from_hours(29 * 24);

/// I9: each recent order has an account. A deleted one is in the audit trail.
pub(super) async fn judge_owners(
    user: &Reader,
    orders: &Orders,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let found = findings.of(Invariant::NoGhosts);
    found.looked_at(orders.len());
    let since = Timestamp::now().saturating_sub(RECENT).unwrap_or(Timestamp::MIN).as_millisecond();
    let recent =
        || orders.iter().filter(|(id, _)| i64::try_from(id.as_u128() >> 80).is_ok_and(|at| at >= since));
    let owners: HashSet<Uuid> = recent().map(|(_, order)| order.user).collect();
    let owners: Vec<Uuid> = owners.into_iter().collect();
    let mut accounts = HashSet::new();
    user.each("SELECT id FROM accounts WHERE id = ANY($1)", &[&owners], |row| {
        _ = accounts.insert(row.get::<_, Uuid>(0))
    })
    .await?;
    let absent: Vec<String> =
        owners.iter().filter(|owner| !accounts.contains(*owner)).map(Uuid::to_string).collect();
    if !absent.is_empty() {
        let deleted = "SELECT actor FROM audit WHERE actor = ANY($1) UNION SELECT subject FROM audit WHERE subject = ANY($1)";
        user.each(deleted, &[&absent], |row| accounts.extend(row.get::<_, &str>(0).parse::<Uuid>().ok()))
            .await?;
    }
    for (id, order) in recent().filter(|(_, order)| !accounts.contains(&order.user)) {
        found.broken_order(*id, format_args!("its owner {} has no account", order.user));
    }
    Ok(())
}

/// I9: stored keys are in the client log, read again: requests are logged before their orders exist.
pub(super) fn judge_ghosts(
    keys: &Keys,
    evidence: &Evidence,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let Some(path) = &evidence.client_log else { return Ok(()) };
    let log = ClientHistory::read(path, &mut Names::default())?;
    let found = findings.of(Invariant::NoGhosts);
    for (user, keys) in &keys.0 {
        for (key, order) in keys.iter().filter(|(key, _)| !log.knows(*user, key)) {
            found.broken_order(*order, format_args!("its key {key} of user {user} is not in the client log"));
        }
    }
    Ok(())
}
