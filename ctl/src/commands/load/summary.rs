use std::collections::BTreeMap;

use super::live::ms;
use crate::load::{Latency, LoadReport};
use crate::terminal::{Colour, Paint, columns};

/// `--json` has all ids.
const STUCK_SHOWN: usize = 10;

pub fn render(report: &LoadReport, paint: Paint) -> String {
    let mut parts = vec![
        format!(
            "{} orders in {:.1} s: {:.0} accepted a second",
            report.sent, report.sending_seconds, report.accepted_per_second
        ),
        columns(&outcomes(report, paint)),
        columns(&latencies(report)),
    ];
    parts.extend(Some(trouble(report)).filter(|rows| !rows.is_empty()).map(|rows| columns(&rows)));
    parts.push(stuck(report, paint));
    parts.push(paint.paint(Colour::Dim, format!("seed {}", report.seed)));
    parts.join("\n\n")
}

fn outcomes(report: &LoadReport, paint: Paint) -> Vec<Vec<String>> {
    let mut rows = vec![row("accepted", report.accepted.to_string())];
    let ends =
        [("confirmed", report.confirmed), ("refunded", report.refunded), ("declined", report.declined)];
    let ended = ends.into_iter().filter(|(_, count)| *count > 0);
    // Last column: escape codes count as width.
    rows.extend(ended.map(|(status, count)| row("", format!("{count} {}", paint.status(status)))));
    if report.open > 0 {
        rows.push(row("", format!("{} without a final state", report.open)));
    }
    if !report.refused.is_empty() {
        rows.push(row("refused", by_status(&report.refused)));
    }
    if report.unknown > 0 {
        rows.push(row("unknown", report.unknown.to_string()));
    }
    rows
}

fn latencies(report: &LoadReport) -> Vec<Vec<String>> {
    let line = |what: &str, latency: Latency| {
        let Latency { p50, p95, p99, max } = latency;
        [what.to_owned()].into_iter().chain([p50, p95, p99, max].map(ms)).collect()
    };
    let mut rows = vec![
        ["", "P50", "P95", "P99", "MAX"].map(str::to_owned).to_vec(),
        line("to acceptance", report.acceptance),
    ];
    if report.to_end != Latency::default() {
        rows.push(line("to final state", report.to_end));
    }
    rows
}

/// Counters above zero.
fn trouble(report: &LoadReport) -> Vec<Vec<String>> {
    let counts = [
        ("retries with the same key", report.retries),
        ("no connection", report.unreached),
        ("connection broken after sending", report.resets),
        ("no response in time", report.timeouts),
        ("longer than 5 s", report.slow),
        ("429 or 503 without Retry-After", report.retry_after_missing),
        ("left out at --in-flight", report.not_offered),
    ];
    let mut rows: Vec<Vec<String>> = counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| row(what, count.to_string()))
        .collect();
    if report.statuses.keys().any(|status| *status >= 400) {
        rows.push(row("responses by status", by_status(&report.statuses)));
    }
    rows
}

fn stuck(report: &LoadReport, paint: Paint) -> String {
    if report.stuck.is_empty() {
        return paint.paint(Colour::Green, "No order is stuck.");
    }
    let shown: Vec<String> = report.stuck.iter().take(STUCK_SHOWN).map(ToString::to_string).collect();
    let count = report.stuck.len();
    let more =
        if count > shown.len() { format!("\n... and {} more", count - shown.len()) } else { String::new() };
    let title = format!("{count} stuck (ids of orders without a final state, keys with an unknown outcome):");
    format!("{}\n{}{more}", paint.paint(Colour::Red, title), shown.join("\n"))
}

fn row(what: &str, value: String) -> Vec<String> {
    vec![format!("  {what}"), value]
}

/// `404: 2, 503: 11`
fn by_status(counts: &BTreeMap<u16, u64>) -> String {
    let counts: Vec<String> = counts.iter().map(|(status, count)| format!("{status}: {count}")).collect();
    counts.join(", ")
}
