//! Products on sale by the beginning of their SKU or name, along an index each.

use runtime::db::{Connection, DbError, Row};

use super::products::{StoredProduct, record_columns, stored};
use crate::domain::{Prefix, SearchPosition, Sku};

/// Maximum products of one page by name: at 1 us each, 10 ms of the server.
pub const SCAN_LIMIT: i64 = 10_000;

/// Behind every text that goes on after a prefix.
const LAST: char = char::MAX;

#[derive(Debug)]
pub struct SearchPage {
    pub found: Vec<(StoredProduct, SearchPosition)>,
    /// Where the search stopped before it had enough.
    pub scanned_to: Option<SearchPosition>,
}

/// A page by name scans `most` products: those whose SKU begins with the prefix came before.
pub async fn search(
    connection: &Connection,
    prefix: &Prefix,
    after: Option<&SearchPosition>,
    limit: i64,
    most: i64,
) -> Result<SearchPage, DbError> {
    let mut found = match (prefix.sku(), after) {
        (Some(sku), None) => by_sku(connection, sku, "", limit).await?,
        (Some(sku), Some(SearchPosition::Sku(after))) => {
            by_sku(connection, sku, after.as_str(), limit).await?
        }
        _ => Vec::new(),
    };
    let rest = limit - found.len() as i64;
    if rest <= 0 {
        return Ok(SearchPage { found, scanned_to: None });
    }
    let after = match after {
        Some(SearchPosition::Name(name, sku)) => (name.as_str(), sku.as_str()),
        _ => ("", ""),
    };
    let by_name = by_name(connection, prefix, after, rest, most).await?;
    let is_short = (by_name.len() as i64) < rest && prefix.sku().is_some();
    found.extend(by_name);
    let scanned_to = if is_short { nth_by_name(connection, prefix, after, most).await? } else { None };
    Ok(SearchPage { found, scanned_to })
}

async fn by_sku(
    connection: &Connection,
    prefix: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<(StoredProduct, SearchPosition)>, DbError> {
    let statement = connection
        .prepare_cached(concat!(
            "SELECT ",
            record_columns!(),
            ", p.on_hand, 0::bigint FROM products p WHERE p.deleted_at IS NULL
             AND p.sku COLLATE \"C\" >= $1 AND p.sku COLLATE \"C\" < $2 AND p.sku COLLATE \"C\" > $3
             ORDER BY p.sku COLLATE \"C\" LIMIT $4"
        ))
        .await?;
    let rows = connection.query(&statement, &[&prefix, &format!("{prefix}{LAST}"), &after, &limit]).await?;
    let found = |row: &Row| {
        let product = stored(row)?;
        let position = SearchPosition::Sku(product.record.sku.clone());
        Ok((product, position))
    };
    rows.iter().map(found).collect()
}

/// The range of a prefix, in the order of the index.
macro_rules! names_from {
    () => {
        "FROM products p WHERE p.deleted_at IS NULL
         AND lower(p.name) COLLATE \"C\" >= lower($1::text) AND lower(p.name) COLLATE \"C\" < lower($1::text) || $2
         AND (lower(p.name) COLLATE \"C\", p.sku COLLATE \"C\") > ($3, $4)
         ORDER BY lower(p.name) COLLATE \"C\", p.sku COLLATE \"C\""
    };
}

async fn by_name(
    connection: &Connection,
    prefix: &Prefix,
    (name, sku): (&str, &str),
    limit: i64,
    most: i64,
) -> Result<Vec<(StoredProduct, SearchPosition)>, DbError> {
    let statement = connection
        .prepare_cached(concat!(
            "SELECT ",
            record_columns!(),
            ", p.on_hand, 0::bigint, p.name_key
             FROM (SELECT p.*, lower(p.name) COLLATE \"C\" AS name_key, p.sku COLLATE \"C\" AS sku_key ",
            names_from!(),
            " LIMIT $5) AS p
             WHERE $6::text IS NULL OR NOT starts_with(p.sku, $6) ORDER BY p.name_key, p.sku_key LIMIT $7"
        ))
        .await?;
    let last = LAST.to_string();
    let rows = connection
        .query(&statement, &[&prefix.as_str(), &last, &name, &sku, &most, &prefix.sku(), &limit])
        .await?;
    let found = |row: &Row| {
        let product = stored(row)?;
        let position = SearchPosition::Name(row.get(11)?, product.record.sku.clone());
        Ok((product, position))
    };
    rows.iter().map(found).collect()
}

/// The `n`th product of a page by name, if more follow.
async fn nth_by_name(
    connection: &Connection,
    prefix: &Prefix,
    (name, sku): (&str, &str),
    n: i64,
) -> Result<Option<SearchPosition>, DbError> {
    let statement = connection
        .prepare_cached(concat!("SELECT lower(p.name), p.sku ", names_from!(), " LIMIT 2 OFFSET $5"))
        .await?;
    let last = LAST.to_string();
    let rows = connection.query(&statement, &[&prefix.as_str(), &last, &name, &sku, &(n - 1)]).await?;
    let position = |row: &Row| Ok(SearchPosition::Name(row.get(0)?, Sku::stored(row.get(1)?)));
    rows.first().filter(|_| rows.len() > 1).map(position).transpose()
}
