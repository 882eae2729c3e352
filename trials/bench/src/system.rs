//! The measurements of the whole system.

use std::time::Duration;

use super::cores::{CpuTimer, quiet};
use super::orders::{CONNECTIONS, Sustained, offer, offer_at, sustain, warm_up};
use super::plan::BenchPlan;
use super::site::{HOT, Site, products};
use super::wrk::{Load, WrkResult};
use super::{BenchError, Figure, Measure, Reading};
use ctl::stack::Kind;

pub async fn end_to_end(site: &mut Site, plan: &BenchPlan) -> Result<Reading, BenchError> {
    let sustained = over(site, plan, products()).await?;
    let micros = sustained.micros_per_order();
    let Sustained { outcome, confirmed_per_second, memory, cores } = sustained;
    let figures = vec![
        (Figure::Confirmed, confirmed_per_second),
        (Figure::ConfirmedCpu, micros),
        (Figure::Accepted, outcome.per_second()),
        (Figure::Memory, memory),
    ];
    Ok(Reading { notes: notes(&outcome), ..Reading::new(Measure::E2e, figures, cores) })
}

pub async fn hot(site: &mut Site, plan: &BenchPlan) -> Result<Reading, BenchError> {
    let Sustained { outcome, confirmed_per_second, cores, .. } =
        over(site, plan, vec![HOT.to_owned()]).await?;
    let figures = vec![(Figure::HotConfirmed, confirmed_per_second)];
    Ok(Reading { notes: notes(&outcome), ..Reading::new(Measure::Hot, figures, cores) })
}

pub async fn single(site: &mut Site, plan: &BenchPlan) -> Result<Reading, BenchError> {
    let fixture = site.fixture(products()).await?;
    warm_up(site, plan, &fixture).await?;
    quiet(plan.patience).await;
    let timer = CpuTimer::begin(&site.process_groups());
    let outcome = offer(site, &fixture, plan.time, 1).await?;
    let cores = timer.end(&site.process_groups());
    site.wait_until_ended().await?;
    let figures = vec![(Figure::SingleP50, outcome.milliseconds()[0])];
    Ok(Reading { notes: notes(&outcome), ..Reading::new(Measure::Single, figures, cores) })
}

/// A group commit of one item makes each write a transaction.
pub async fn ungrouped(site: &mut Site, plan: &BenchPlan) -> Result<Reading, BenchError> {
    let fixture = site.fixture(products()).await?;
    warm_up(site, plan, &fixture).await?;
    let payment = site.replace(Kind::Payment, &[("COMMIT_BATCH", "1")]).await?;
    offer_at(&payment.url, site, &fixture, plan.warm_up, 1).await?;
    quiet(plan.patience).await;
    let timer = CpuTimer::begin(&site.process_groups());
    let outcome = offer_at(&payment.url, site, &fixture, plan.time, 1).await?;
    let cores = timer.end(&site.process_groups());
    site.wait_until_ended().await?;
    site.bring_back(payment).await?;
    let figures = vec![(Figure::UngroupedP50, outcome.milliseconds()[0])];
    Ok(Reading { notes: notes(&outcome), ..Reading::new(Measure::Ungrouped, figures, cores) })
}

/// Turns of one, two, two and one instance cancel a steady change of the machine's speed. Fresh instances were a
/// fifth slower in their first turn, which does not count.
pub async fn two_instances(site: &mut Site, plan: &BenchPlan) -> Result<Reading, BenchError> {
    // wrk takes whole seconds.
    let half = Duration::from_secs(plan.time.as_secs().div_ceil(2));
    let plan = BenchPlan { time: half, ..plan.clone() };
    let first = over(site, &plan, products()).await?;
    let added = site.add_instances().await?;
    over(site, &plan, products()).await?;
    let two = [over(site, &plan, products()).await?, over(site, &plan, products()).await?];
    site.remove_instances(added).await?;
    let one = [first, over(site, &plan, products()).await?];
    let ratio = |figure: fn(&Sustained) -> f64| {
        two.iter().map(figure).sum::<f64>() / one.iter().map(figure).sum::<f64>()
    };
    let figures = vec![
        (Figure::TwoByOne, ratio(|turn| turn.confirmed_per_second)),
        (Figure::TwoByOneCpu, ratio(Sustained::micros_per_order)),
    ];
    let notes = [("one", &one), ("two", &two)].map(|(instances, turns)| {
        let show = |turn: &Sustained| {
            format!("{:.0}/s, {:.0} us", turn.confirmed_per_second, turn.micros_per_order())
        };
        format!("{instances}: {} and {}", show(&turns[0]), show(&turns[1]))
    });
    let [_, second] = two;
    Ok(Reading { notes: notes.into(), ..Reading::new(Measure::TwoInstances, figures, second.cores) })
}

async fn over(site: &mut Site, plan: &BenchPlan, skus: Vec<String>) -> Result<Sustained, BenchError> {
    let fixture = site.fixture(skus).await?;
    warm_up(site, plan, &fixture).await?;
    sustain(site, plan, &fixture, Load::orders(plan.time, CONNECTIONS)).await
}

pub fn notes(outcome: &WrkResult) -> Vec<String> {
    let [p50, p95, p99] = outcome.milliseconds();
    let mut notes = vec![format!("POST p50 {p50:.1} ms, p95 {p95:.1} ms, p99 {p99:.1} ms")];
    if outcome.refused + outcome.broken > 0 {
        notes.push(format!("{} refused, {} connections broken", outcome.refused, outcome.broken));
    }
    notes
}
