//! The simulated provider's books, in their own schema and transactions.

use std::collections::HashMap;

use runtime::db::{Connection, DbError, Row, Write};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::optimistic_insert::OptimisticInsert;

/// A trigger raises this constraint to rehearse a final refusal; the schema lacks it.
pub const PROVIDER_REFUSES: &str = "provider_refuses";

#[derive(Debug, Clone)]
pub struct ChargeEntry {
    pub order_id: Uuid,
    pub charge_id: String,
    pub amount: i64,
    pub currency: String,
    pub method: &'static str,
    pub awaited: bool,
}

/// Returns the charge id in the books, possibly of an earlier charge.
#[derive(Debug, Default)]
pub struct ChargeLedger {
    optimistic: OptimisticInsert,
}

const CHARGES: &str = "
    INSERT INTO provider.charges (order_id, charge_id, amount, currency, method)
    SELECT * FROM (SELECT unnest($1::uuid[]) AS order_id, unnest($2::text[]), unnest($3::bigint[]), unnest($4::text[]), unnest($5::text[])) AS c";
const UNKNOWN: &str =
    "WHERE NOT order_id = ANY(ARRAY(SELECT order_id FROM provider.charges WHERE order_id = ANY($1)))";

impl Write for ChargeLedger {
    type Item = ChargeEntry;
    type Output = String;
    const NAME: &'static str = "provider-charges";
    const MAX_WAIT_INTERVALS: u32 = 6;

    fn is_awaited(charge: &ChargeEntry) -> bool {
        charge.awaited
    }

    async fn commit(&self, connection: &Connection, items: &[ChargeEntry]) -> Result<Vec<String>, DbError> {
        let orders: Vec<Uuid> = items.iter().map(|item| item.order_id).collect();
        let charges: Vec<&str> = items.iter().map(|item| item.charge_id.as_str()).collect();
        let amounts: Vec<i64> = items.iter().map(|item| item.amount).collect();
        let currencies: Vec<&str> = items.iter().map(|item| item.currency.as_str()).collect();
        let methods: Vec<&str> = items.iter().map(|item| item.method).collect();
        let columns: [&(dyn ToSql + Sync); 5] = [&orders, &charges, &amounts, &currencies, &methods];
        let optimistic = async {
            let insert = format!("{CHARGES} ORDER BY order_id");
            connection.execute(&connection.prepare_cached(&insert).await?, &columns).await?;
            Ok(items.iter().map(|item| item.charge_id.clone()).collect())
        };
        let checked = async {
            // A trigger would refuse booked charges before the conflict is found.
            let insert = format!("{CHARGES} {UNKNOWN} ORDER BY order_id ON CONFLICT (order_id) DO NOTHING");
            connection.execute(&connection.prepare_cached(&insert).await?, &columns).await?;
            let booked = connection
                .prepare_cached("SELECT order_id, charge_id FROM provider.charges WHERE order_id = ANY($1)")
                .await?;
            let booked = connection.query(&booked, &[&orders]).await?;
            let booked = booked.iter().map(booking).collect::<Result<HashMap<Uuid, String>, DbError>>()?;
            Ok(items.iter().map(|item| booked.get(&item.order_id).cloned().unwrap_or_default()).collect())
        };
        self.optimistic.insert(&["charges_pkey", PROVIDER_REFUSES], optimistic, checked).await
    }
}

fn booking(row: &Row) -> Result<(Uuid, String), DbError> {
    Ok((row.get(0)?, row.get(1)?))
}

/// The whole charge of an order.
#[derive(Debug, Clone)]
pub struct RefundEntry {
    pub order_id: Uuid,
    pub refund_id: String,
}

/// Returns `None` for an order without a charge.
#[derive(Debug, Clone, Copy, Default)]
pub struct RefundLedger;

impl Write for RefundLedger {
    type Item = RefundEntry;
    type Output = Option<String>;
    const NAME: &'static str = "provider-refunds";
    const MAX_WAIT_INTERVALS: u32 = 6;

    async fn commit(
        &self,
        connection: &Connection,
        items: &[RefundEntry],
    ) -> Result<Vec<Option<String>>, DbError> {
        let insert = connection
            .prepare_cached(
                "INSERT INTO provider.refunds (order_id, refund_id, amount)
                 SELECT r.order_id, r.refund_id, c.amount FROM unnest($1::uuid[], $2::text[]) AS r (order_id, refund_id)
                 JOIN provider.charges c ON c.order_id = r.order_id WHERE c.order_id = ANY($1)
                 ORDER BY r.order_id ON CONFLICT (order_id) DO NOTHING RETURNING order_id, refund_id",
            )
            .await?;
        let orders: Vec<Uuid> = items.iter().map(|item| item.order_id).collect();
        let refunds: Vec<&str> = items.iter().map(|item| item.refund_id.as_str()).collect();
        let rows = connection.query(&insert, &[&orders, &refunds]).await?;
        let mut booked = rows.iter().map(booking).collect::<Result<HashMap<Uuid, String>, DbError>>()?;
        if booked.len() < items.len() {
            let earlier = connection
                .prepare_cached("SELECT order_id, refund_id FROM provider.refunds WHERE order_id = ANY($1)")
                .await?;
            for row in connection.query(&earlier, &[&orders]).await? {
                booked.extend([booking(&row)?]);
            }
        }
        Ok(items.iter().map(|item| booked.get(&item.order_id).cloned()).collect())
    }
}
