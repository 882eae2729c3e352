//! I8 and I9: a user's key has one order, an order has an account.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{
    Evidence, Sources, VerifyError,
    client_history::ClientHistory,
    database::Snapshot,
    facts::{Names, Orders},
    findings::{Findings, Invariant},
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

/// Judges I8.
pub(super) async fn read_and_judge(
    payment: &Snapshot,
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
    let twice = "SELECT user_id, idempotency_key, count(*) FROM orders GROUP BY user_id, idempotency_key HAVING count(*) > 1";
    payment
        .each(twice, &[], |row| {
            found.broken(format!(
                "key {} of user {}: it has {} orders",
                row.get::<_, &str>(1),
                row.get::<_, Uuid>(0),
                row.get::<_, i64>(2)
            ));
        })
        .await?;
    Ok(keys)
}

/// I9: each order has an account. Accounts are never deleted.
pub(super) async fn judge_owners(
    sources: &Sources,
    orders: &Orders,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let found = findings.of(Invariant::NoGhosts);
    found.looked_at(orders.len());
    let owners: HashSet<Uuid> = orders.values().map(|order| order.user).collect();
    let owners: Vec<Uuid> = owners.into_iter().collect();
    let mut accounts = HashSet::new();
    let user = Snapshot::open("user", &sources.user_database).await?;
    user.each("SELECT id FROM accounts WHERE id = ANY($1)", &[&owners], |row| {
        _ = accounts.insert(row.get::<_, Uuid>(0))
    })
    .await?;
    for (id, order) in orders.iter().filter(|(_, order)| !accounts.contains(&order.user)) {
        found.broken(format!("order {id}: its owner {} has no account", order.user));
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
            found.broken(format!("order {order}: its key {key} of user {user} is not in the client log"));
        }
    }
    Ok(())
}
