//! A bar on a terminal, a line every 5 s elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{MissedTickBehavior, interval};

use crate::load::{Latency, Load, LoadReport, LoadStats};
use crate::terminal::say;

const BAR_EVERY: Duration = Duration::from_millis(250);
const LINE_EVERY: Duration = Duration::from_secs(5);

/// `orders`: the planned number, if known.
/// With `json` nothing is said but on a terminal.
pub async fn run(load: &Load, orders: Option<u64>, json: bool) -> LoadReport {
    let stats = load.stats();
    let bar = std::io::stderr().is_terminal().then(|| bar(orders));
    let mut ticks = interval(if bar.is_some() { BAR_EVERY } else { LINE_EVERY });
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    ticks.tick().await;
    let mut run = Box::pin(load.run());
    let mut rate = Rate::new();
    loop {
        tokio::select! {
            report = &mut run => {
                if let Some(bar) = bar {
                    bar.finish_and_clear();
                }
                return report;
            }
            _ = ticks.tick(), if bar.is_some() || !json => show(bar.as_ref(), &stats, rate.of(stats.accepted())),
        }
    }
}

fn show(bar: Option<&ProgressBar>, stats: &LoadStats, rate: f64) {
    let text = line(stats, rate);
    match bar {
        Some(bar) => {
            bar.set_position(stats.sent());
            bar.set_message(text);
        }
        None => say(format_args!("{} sent, {text}", stats.sent())),
    }
}

fn line(stats: &LoadStats, rate: f64) -> String {
    let Latency { p50, p95, p99, .. } = stats.acceptance();
    let ended = stats.confirmed() + stats.refunded() + stats.declined();
    let refused = stats.refused().values().sum();
    let counts =
        [("ended", ended), ("open", stats.open()), ("refused", refused), ("unknown", stats.unknown())];
    let counts: Vec<String> = counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| format!("{count} {what}"))
        .collect();
    format!("{rate:.0}/s  p50 {}  p95 {}  p99 {}  {}", ms(p50), ms(p95), ms(p99), counts.join(", "))
}

/// `3.2 ms`
pub(super) fn ms(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}

fn bar(orders: Option<u64>) -> ProgressBar {
    let template = match orders {
        Some(_) => "{spinner} {elapsed} {pos}/{len} [{bar:10}] {wide_msg}",
        None => "{spinner} {elapsed} {pos} {wide_msg}",
    };
    let style = ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    let bar = orders.map_or_else(ProgressBar::new_spinner, ProgressBar::new).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

struct Rate {
    at: Instant,
    count: u64,
}

impl Rate {
    fn new() -> Self {
        Self { at: Instant::now(), count: 0 }
    }

    fn of(&mut self, count: u64) -> f64 {
        let now = Instant::now();
        let rate = (count - self.count) as f64 / (now - self.at).as_secs_f64().max(f64::EPSILON);
        self.at = now;
        self.count = count;
        rate
    }
}
