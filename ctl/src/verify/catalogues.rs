//! I12: payment's copy against inventory's products.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use tokio_postgres::{Row, types::ToSql};

use super::{
    Sources, VerifyError,
    database::Reader,
    findings::{Findings, Invariant},
    pending_work,
};

#[derive(Debug, Clone, PartialEq, Eq)]
struct Product {
    version: i64,
    name: String,
    price: i64,
    currency: String,
    deleted: bool,
}

type Catalogue = BTreeMap<String, Product>;

const OF_INVENTORY: &str = "sku, version, name, price, currency, deleted_at IS NOT NULL";
const OF_PAYMENT: &str = "sku, version, name, price, currency, deleted";

/// By SKU, in words.
type Differences = Vec<(String, String)>;

/// Empty if the catalogues agree.
pub async fn disagreements(sources: &Sources) -> Result<Vec<String>, VerifyError> {
    let (copy, truth) = both(sources).await?;
    let text = |(sku, difference)| format!("{sku}: {difference}");
    Ok(differences(&copy, &truth).into_iter().map(text).collect())
}

/// Judges only if no change is in flight.
pub(super) async fn judge(
    sources: &Sources,
    not_quiet: &[String],
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let found = findings.of(Invariant::Catalogues);
    let (copy, truth) = both(sources).await?;
    found.looked_at(truth.len());
    let differences = differences(&copy, &truth);
    // A change may have come since the check for quiet.
    if !not_quiet.is_empty() || (!differences.is_empty() && !pending_work(sources).await?.is_empty()) {
        found.not_judged("changes are still in flight");
        return Ok(());
    }
    differences.into_iter().for_each(|(sku, difference)| found.broken_sku(&sku, difference));
    Ok(())
}

/// Judges these products. A change younger than `delay` may still be on its way.
pub(super) async fn judge_products(
    inventory: &Reader,
    payment: &Reader,
    skus: &[String],
    delay: Duration,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let found = findings.of(Invariant::Catalogues);
    let mut young = HashSet::new();
    let sql = format!(
        "SELECT {OF_INVENTORY}, extract(epoch FROM now() - updated_at)::float8 FROM products WHERE sku = ANY($1)"
    );
    let note_age = |row: &Row| {
        if row.get::<_, f64>(6) < delay.as_secs_f64() {
            young.insert(row.get::<_, String>(0));
        }
    };
    let truth = read(inventory, &sql, &[&skus], note_age).await?;
    let copy = format!("SELECT {OF_PAYMENT} FROM catalogue WHERE sku = ANY($1)");
    let copy = read(payment, &copy, &[&skus], |_| {}).await?;
    found.looked_at(truth.len());
    for (sku, difference) in differences(&copy, &truth).into_iter().filter(|(sku, _)| !young.contains(sku)) {
        found.broken_sku(&sku, difference);
    }
    Ok(())
}

/// Reads the truth first: a later change of the copy shows as a difference once.
async fn both(sources: &Sources) -> Result<(Catalogue, Catalogue), VerifyError> {
    let inventory = Reader::connect("inventory", &sources.inventory_database).await?;
    let truth = read(&inventory, &format!("SELECT {OF_INVENTORY} FROM products"), &[], |_| {}).await?;
    let payment = Reader::connect("payment", &sources.payment_database).await?;
    let copy = read(&payment, &format!("SELECT {OF_PAYMENT} FROM catalogue"), &[], |_| {}).await?;
    Ok((copy, truth))
}

async fn read(
    reader: &Reader,
    sql: &str,
    arguments: &[&(dyn ToSql + Sync)],
    mut also: impl FnMut(&Row),
) -> Result<Catalogue, VerifyError> {
    let mut catalogue = Catalogue::new();
    let take = |row: &Row| {
        also(row);
        let product = Product {
            version: row.get(1),
            name: row.get(2),
            price: row.get(3),
            currency: row.get(4),
            deleted: row.get(5),
        };
        catalogue.insert(row.get(0), product);
    };
    reader.each(sql, arguments, take).await?;
    Ok(catalogue)
}

fn differences(copy: &Catalogue, truth: &Catalogue) -> Differences {
    let missing = truth
        .keys()
        .filter(|sku| !copy.contains_key(*sku))
        .map(|sku| (sku.clone(), "payment does not have it".to_owned()));
    let other =
        copy.iter().filter_map(|(sku, product)| Some((sku.clone(), difference(product, truth.get(sku))?)));
    missing.chain(other).collect()
}

fn difference(copy: &Product, truth: Option<&Product>) -> Option<String> {
    let Some(truth) = truth else { return Some("payment has it, inventory does not".to_owned()) };
    (copy != truth).then(|| format!("payment has {copy:?}, inventory {truth:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(version: i64) -> Product {
        Product { version, name: "Mug".to_owned(), price: 700, currency: "EUR".to_owned(), deleted: false }
    }

    fn catalogue(products: &[(&str, Product)]) -> Catalogue {
        products.iter().map(|(sku, product)| ((*sku).to_owned(), product.clone())).collect()
    }

    #[test]
    fn the_same_products_agree() {
        let products = [("MUG", product(1)), ("HAT", product(2))];
        assert_eq!(differences(&catalogue(&products), &catalogue(&products)), []);
    }

    #[test]
    fn an_old_copy_a_missing_one_and_one_too_many_are_named() {
        let copy = catalogue(&[("MUG", product(1)), ("GHOST", product(1))]);
        let truth = catalogue(&[("MUG", product(2)), ("HAT", product(1))]);
        let found = differences(&copy, &truth);
        assert_eq!(found.len(), 3);
        let skus: Vec<&str> = found.iter().map(|(sku, _)| sku.as_str()).collect();
        assert_eq!(skus, ["HAT", "GHOST", "MUG"]);
        assert!(found[0].1.starts_with("payment does not") && found[2].1.contains("version: 1"), "{found:?}");
    }

    #[test]
    fn a_product_that_was_deleted_is_deleted_in_both() {
        let deleted = Product { deleted: true, ..product(1) };
        assert!(difference(&product(1), Some(&deleted)).is_some());
    }
}
