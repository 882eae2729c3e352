use std::time::Duration;

use tokio::time::timeout;

use super::{Sources, VerifyError, database::Reader, streams};

/// Counts take milliseconds; a stopped server must not block the wait.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// Empty means: empty outboxes, no charge or refund to retry, all orders final, no pending or unread entry.
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
    // Redis first, for a stable choice of several errors.
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
    // Completed orders normally have an outbox row, and their count has no index.
    if open.is_empty() {
        open.extend(orders(&reader, "completed").await?);
    }
    Ok(open)
}

/// A schema without the table has no rows.
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
