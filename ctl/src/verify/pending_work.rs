//! Finds work in flight.

use std::time::Duration;

use tokio::time::timeout;

use super::{Sources, VerifyError, database::Reader, streams};

/// Time limit of the counts, which take milliseconds. A stopped server must not block a wait for quiet.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// The work in flight; empty in a quiet system. Quiet means: empty outboxes, no charge or refund to retry,
/// every order in a final state, no pending and no unread entry in any group.
///
/// Reads a few counts on small tables, and counts completed orders only if all others of payment are 0.
///
/// # Errors
/// A server does not answer in time, or a query fails.
pub async fn pending_work(sources: &Sources) -> Result<Vec<String>, VerifyError> {
    let asked = async {
        tokio::join!(
            backlog(&sources.redis),
            payment(&sources.payment_database),
            outbox("inventory", &sources.inventory_database)
        )
    };
    let late = |_| VerifyError::Unreachable {
        what: "one of PostgreSQL and Redis".to_owned(),
        address: "its address".to_owned(),
        reason: format!("no answer within {ANSWER_WITHIN:?}"),
    };
    let (streams, payment, inventory) = timeout(ANSWER_WITHIN, asked).await.map_err(late)?;
    // Redis first: of several errors, the same one is returned each time.
    let streams = streams?;
    Ok([payment?, inventory?, streams].concat())
}

async fn backlog(url: &str) -> Result<Vec<String>, VerifyError> {
    let mut redis = streams::connect(url).await?;
    Ok(streams::backlog(&mut redis).await?)
}

async fn outbox(service: &str, url: &str) -> Result<Vec<String>, VerifyError> {
    let reader = Reader::connect(service, url).await?;
    unconfirmed(service, &reader).await
}

async fn unconfirmed(service: &str, reader: &Reader) -> Result<Vec<String>, VerifyError> {
    let rows = reader.number("SELECT count(*) FROM outbox").await?;
    Ok((rows > 0).then(|| format!("{service}: {rows} unconfirmed rows in the outbox")).into_iter().collect())
}

async fn payment(url: &str) -> Result<Vec<String>, VerifyError> {
    let reader = Reader::connect("payment", url).await?;
    let mut open = unconfirmed("payment", &reader).await?;
    for parked in ["refunds_due", "charges_retried"] {
        open.extend(waiting(&reader, parked).await?);
    }
    open.extend(orders(&reader, "pending").await?);
    // A paid order normally has its row in the outbox, and the count of completed orders has no index.
    if open.is_empty() {
        open.extend(orders(&reader, "completed").await?);
    }
    Ok(open)
}

/// Rows of a table of work to retry; a schema without the table has none.
async fn waiting(reader: &Reader, table: &str) -> Result<Option<String>, VerifyError> {
    if reader.number(&format!("SELECT (to_regclass('{table}') IS NOT NULL)::int::bigint")).await? == 0 {
        return Ok(None);
    }
    let rows = reader.number(&format!("SELECT count(*) FROM {table}")).await?;
    Ok((rows > 0).then(|| format!("payment: {rows} rows in {table}")))
}

async fn orders(reader: &Reader, status: &str) -> Result<Option<String>, VerifyError> {
    let orders = reader.number(&format!("SELECT count(*) FROM orders WHERE status = '{status}'")).await?;
    Ok((orders > 0).then(|| format!("payment: {orders} orders are {status}")))
}
