//! What the system does, measured.

use super::orders::{Sustained, sustain, warm_up};
use super::site::{HOT, Site, products};
use super::terms::Terms;
use super::wrk::Outcome;
use super::{BenchError, Figure, Measure, Reading};

/// Orders over 100 products.
pub async fn end_to_end(site: &mut Site, terms: &Terms) -> Result<Reading, BenchError> {
    let Sustained { outcome, confirmed_per_second, memory, cores } = over(site, terms, products()).await?;
    let figures = vec![
        (Figure::Confirmed, confirmed_per_second),
        (Figure::Accepted, outcome.per_second()),
        (Figure::Memory, memory),
    ];
    Ok(Reading { notes: notes(&outcome), ..Reading::new(Measure::E2e, figures, cores) })
}

/// Orders of one product.
pub async fn hot(site: &mut Site, terms: &Terms) -> Result<Reading, BenchError> {
    let Sustained { outcome, confirmed_per_second, cores, .. } = over(site, terms, vec![HOT.to_owned()]).await?;
    let figures = vec![(Figure::HotConfirmed, confirmed_per_second)];
    Ok(Reading { notes: notes(&outcome), ..Reading::new(Measure::Hot, figures, cores) })
}

async fn over(site: &mut Site, terms: &Terms, skus: Vec<String>) -> Result<Sustained, BenchError> {
    let fixture = site.fixture(skus).await?;
    warm_up(site, terms, &fixture).await?;
    sustain(site, terms, &fixture).await
}

/// Latency of the POST itself, and what went wrong.
pub fn notes(outcome: &Outcome) -> Vec<String> {
    let [p50, p95, p99] = outcome.milliseconds();
    let mut notes = vec![format!("POST p50 {p50:.1} ms, p95 {p95:.1} ms, p99 {p99:.1} ms")];
    if outcome.refused + outcome.broken > 0 {
        notes.push(format!("{} refused, {} connections broken", outcome.refused, outcome.broken));
    }
    notes
}
