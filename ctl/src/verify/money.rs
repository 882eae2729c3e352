//! I5: the provider books a charge or a refund before the order changes its state.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{
    VerifyError,
    database::Snapshot,
    facts::Status,
    findings::{Findings, Invariant},
    scope::Scope,
};

/// Amounts in minor units.
#[derive(Debug, Clone, Default)]
pub(super) struct Booked {
    pub total: i64,
    pub currency: String,
    pub charge_id: Option<String>,
    pub refund_id: Option<String>,
    /// Number and sum.
    pub charges: i64,
    pub charged: i64,
    pub charged_currency: Option<String>,
    pub provider_charge: Option<String>,
    pub refunds: i64,
    pub refunded: i64,
    pub provider_refund: Option<String>,
}

pub(super) fn contradiction(status: Status, booked: &Booked) -> Option<String> {
    let (charges, refunds) = match status {
        Status::Pending => (0..=1, 0..=0),
        Status::Completed => (1..=1, 0..=1),
        Status::Confirmed => (1..=1, 0..=0),
        Status::Refunded => (1..=1, 1..=1),
        // Late charges are refunded; unequal amounts are found below.
        Status::Declined => (0..=1, booked.charges..=booked.charges),
    };
    if !charges.contains(&booked.charges) {
        return Some(format!("{status} with {} charges", booked.charges));
    }
    if !refunds.contains(&booked.refunds) {
        return Some(format!("{status} with {} refunds", booked.refunds));
    }
    if booked.charges == 1
        && (booked.charged != booked.total || booked.charged_currency.as_deref() != Some(&*booked.currency))
    {
        let currency = booked.charged_currency.as_deref().unwrap_or("?");
        return Some(format!(
            "charged {} {currency} for a total of {} {}",
            booked.charged, booked.total, booked.currency
        ));
    }
    if booked.refunds == 1 && booked.refunded != booked.charged {
        return Some(format!("charged {} and refunded {}", booked.charged, booked.refunded));
    }
    let other = |known: &Option<String>, booked: &Option<String>| known.is_some() && known != booked;
    if other(&booked.charge_id, &booked.provider_charge) || other(&booked.refund_id, &booked.provider_refund)
    {
        return Some("its charge or refund id differs from that of the provider".to_owned());
    }
    None
}

/// Sums over final orders, by currency: charges, refunds, totals of confirmed ones.
#[derive(Debug, Default)]
pub(super) struct Sums(BTreeMap<String, (i128, i128, i128)>);

impl Sums {
    pub(super) fn add(&mut self, status: Status, booked: &Booked) {
        if !status.is_terminal() {
            return;
        }
        if !self.0.contains_key(&booked.currency) {
            self.0.insert(booked.currency.clone(), (0, 0, 0));
        }
        if let Some((charged, refunded, confirmed)) = self.0.get_mut(&booked.currency) {
            *charged += i128::from(booked.charged);
            *refunded += i128::from(booked.refunded);
            *confirmed += if status == Status::Confirmed { i128::from(booked.total) } else { 0 };
        }
    }

    pub(super) fn contradictions(&self) -> impl Iterator<Item = String> {
        self.0.iter().filter(|(_, (charged, refunded, confirmed))| charged - refunded != *confirmed).map(
            |(currency, (charged, refunded, confirmed))| {
                format!("in sum: {charged} {currency} charged - {refunded} refunded = {}, and {confirmed} confirmed", charged - refunded)
            },
        )
    }
}

/// Charges and refunds without an order.
fn orphans(scope: &Scope) -> String {
    let charges = scope.filter("c.order_id");
    let refunds = scope.filter("r.order_id");
    format!(
        "SELECT 'charge', c.order_id FROM provider.charges c LEFT JOIN orders o ON o.id = c.order_id
             WHERE o.id IS NULL AND {charges}
         UNION ALL SELECT 'refund', r.order_id FROM provider.refunds r LEFT JOIN orders o ON o.id = r.order_id
             WHERE o.id IS NULL AND {refunds}
         UNION ALL SELECT 'refund without a charge', r.order_id FROM provider.refunds r
             LEFT JOIN provider.charges c ON c.order_id = r.order_id WHERE c.order_id IS NULL AND {refunds}"
    )
}

pub(super) async fn judge_orphans(
    payment: &Snapshot<'_>,
    scope: &Scope,
    findings: &mut Findings,
) -> Result<(), VerifyError> {
    let found = findings.of(Invariant::Money);
    payment
        .each(&orphans(scope), &scope.arguments(), |row| {
            let what: &str = row.get(0);
            let order: Uuid = row.get(1);
            let orphan =
                if what.contains("without") { what.to_owned() } else { format!("{what} without an order") };
            found.broken_order(order, orphan);
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn booked(charges: i64, refunds: i64) -> Booked {
        let id = |prefix: &str, count: i64| (count > 0).then(|| format!("{prefix}_1"));
        Booked {
            total: 500,
            currency: "EUR".to_owned(),
            charge_id: id("ch", charges),
            refund_id: id("re", refunds),
            charges,
            charged: 500 * charges,
            charged_currency: Some("EUR".to_owned()),
            provider_charge: id("ch", charges),
            refunds,
            refunded: 500 * refunds,
            provider_refund: id("re", refunds),
        }
    }

    #[test]
    fn each_status_allows_its_own_charges_and_refunds() {
        for status in Status::ALL {
            for (charges, refunds) in [(0, 0), (1, 0), (1, 1), (2, 0), (1, 2)] {
                let expected = match status {
                    Status::Pending => refunds == 0 && charges <= 1,
                    Status::Completed => charges == 1 && refunds <= 1,
                    Status::Confirmed => (charges, refunds) == (1, 0),
                    Status::Refunded => (charges, refunds) == (1, 1),
                    Status::Declined => charges == refunds && charges <= 1,
                };
                let why = contradiction(status, &booked(charges, refunds));
                assert_eq!(why.is_none(), expected, "{status} {charges} {refunds}: {why:?}");
            }
        }
    }

    #[test]
    fn amounts_and_ids_must_be_the_same() {
        let less = Booked { charged: 499, ..booked(1, 0) };
        assert!(contradiction(Status::Confirmed, &less).is_some_and(|why| why.contains("charged 499 EUR")));
        let part = Booked { refunded: 1, ..booked(1, 1) };
        assert!(contradiction(Status::Refunded, &part).is_some_and(|why| why.contains("refunded 1")));
        let other = Booked { provider_charge: Some("ch_2".to_owned()), ..booked(1, 0) };
        assert!(contradiction(Status::Confirmed, &other).is_some());
    }

    #[test]
    fn sums_are_those_of_ended_orders() {
        let mut sums = Sums::default();
        sums.add(Status::Confirmed, &booked(1, 0));
        sums.add(Status::Refunded, &booked(1, 1));
        sums.add(Status::Completed, &booked(1, 0));
        assert_eq!(sums.contradictions().count(), 0);
        sums.add(Status::Declined, &booked(1, 0));
        assert_eq!(
            sums.contradictions().next().as_deref(),
            Some("in sum: 1500 EUR charged - 500 refunded = 1000, and 500 confirmed")
        );
    }
}
