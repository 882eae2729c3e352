use std::time::Duration;

use super::part::Part;

/// How often, and how much.
#[derive(Debug, Clone)]
pub struct Options {
    /// From the begin of one look to the begin of the next.
    pub interval: Duration,
    /// Older orders of a look, at least.
    pub sample: u32,
    /// All orders, products and rows of the ledger are checked within this time.
    pub all_within: Duration,
    /// Time within which payment has a change of a product.
    pub catalogue_delay: Duration,
    /// The accounts are those of another identity provider.
    pub foreign_accounts: bool,
}

/// Rows of one page at most: a second of work.
const PAGE: f64 = 10_000.0;

impl Options {
    pub(super) fn parts(&self) -> &'static [Part] {
        const WITHOUT_OWNERS: [Part; 3] = [Part::Books, Part::Catalogues, Part::LostEvents];
        if self.foreign_accounts { &WITHOUT_OWNERS } else { &Part::ALL }
    }

    /// Rows of a page, so that a table of `rows` is read in time.
    pub(super) fn page(&self, rows: f64) -> i64 {
        let looks = (self.all_within.as_secs_f64() / self.interval.as_secs_f64()).max(1.0);
        // A tenth more, for looks that fail.
        let needed = (rows * 1.1 / looks).ceil();
        needed.min(PAGE).max(f64::from(self.sample)) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_grows_with_the_table_so_that_a_day_is_enough() {
        let options = Options {
            interval: Duration::from_secs(10),
            sample: 200,
            all_within: Duration::from_secs(86_400),
            catalogue_delay: Duration::from_secs(120),
            foreign_accounts: false,
        };
        assert_eq!(options.page(-1.0), 200, "an unknown size");
        assert_eq!(options.page(1_000_000.0), 200);
        assert_eq!(options.page(5_000_000.0), 637);
        assert_eq!(options.page(1e12), 10_000);
    }
}
