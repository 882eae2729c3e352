//! I12: payment's copy against inventory's products.

use std::collections::BTreeMap;

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

const INVENTORYS: &str = "SELECT sku, version, name, price, currency, deleted_at IS NOT NULL FROM products";
const PAYMENTS: &str = "SELECT sku, version, name, price, currency, deleted FROM catalogue";

/// Empty if the catalogues agree.
pub async fn disagreements(sources: &Sources) -> Result<Vec<String>, VerifyError> {
    let (copy, truth) = both(sources).await?;
    Ok(differences(&copy, &truth))
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
    differences.into_iter().for_each(|difference| found.broken(difference));
    Ok(())
}

/// Reads the truth first: a later change of the copy shows as a difference once.
async fn both(sources: &Sources) -> Result<(Catalogue, Catalogue), VerifyError> {
    let truth = read("inventory", &sources.inventory_database, INVENTORYS).await?;
    let copy = read("payment", &sources.payment_database, PAYMENTS).await?;
    Ok((copy, truth))
}

async fn read(service: &str, url: &str, sql: &str) -> Result<Catalogue, VerifyError> {
    let reader = Reader::connect(service, url).await?;
    let mut catalogue = Catalogue::new();
    let take = |row: &tokio_postgres::Row| {
        let product = Product {
            version: row.get(1),
            name: row.get(2),
            price: row.get(3),
            currency: row.get(4),
            deleted: row.get(5),
        };
        catalogue.insert(row.get(0), product);
    };
    reader.each(sql, &[], take).await?;
    Ok(catalogue)
}

fn differences(copy: &Catalogue, truth: &Catalogue) -> Vec<String> {
    let missing = truth
        .iter()
        .filter(|(sku, _)| !copy.contains_key(*sku))
        .map(|(sku, _)| format!("{sku}: payment does not have it"));
    let other = copy
        .iter()
        .filter_map(|(sku, product)| Some(format!("{sku}: {}", difference(product, truth.get(sku))?)));
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
        assert_eq!(differences(&catalogue(&products), &catalogue(&products)), [""; 0]);
    }

    #[test]
    fn an_old_copy_a_missing_one_and_one_too_many_are_named() {
        let copy = catalogue(&[("MUG", product(1)), ("GHOST", product(1))]);
        let truth = catalogue(&[("MUG", product(2)), ("HAT", product(1))]);
        let found = differences(&copy, &truth);
        assert_eq!(found.len(), 3);
        assert!(
            found[0].starts_with("HAT: payment does not")
                && found[1].starts_with("GHOST")
                && found[2].contains("version: 1")
        );
    }

    #[test]
    fn a_product_that_was_deleted_is_deleted_in_both() {
        let deleted = Product { deleted: true, ..product(1) };
        assert!(difference(&product(1), Some(&deleted)).is_some());
    }
}
