//! I15, sampled: whether resource usage grows with the length of a run.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};

use super::ChaosError;
use super::arena::Arena;
use super::faults::stale_group::is_stale;
use super::sustained_load::SustainedLoad;
use bench::text;
use ctl::stack::{Kind, Service};
use events::ROUTES;
use servers::processes::resident;

/// Two a quarter.
const MIN_SAMPLES: usize = 8;
/// Long enough to make counting a large outbox cheap.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
const OUTBOX: &str = "SELECT count(*) FROM outbox";
const CONNECTIONS: &str = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'";

/// Bytes, rows or counts by name.
pub type ResourceSample = BTreeMap<String, u64>;

/// With the seconds since the start.
#[derive(Debug)]
pub struct ResourceUsage {
    began: Instant,
    samples: Vec<(f64, ResourceSample)>,
}

impl Default for ResourceUsage {
    fn default() -> Self {
        Self { began: Instant::now(), samples: Vec::new() }
    }
}

/// A share, and an amount of noise.
struct Allowance {
    of: &'static str,
    share: f64,
    noise: u64,
}

/// Noise: an allocator keeps freed memory, a trim comes every ten seconds, an outbox holds events in flight.
/// Each of six services opens up to `database-pool-size` (8) connections on demand, and none again after a
/// restart.
const ALLOWED: [Allowance; 5] = [
    Allowance { of: "redis_bytes", share: 0.25, noise: 16 << 20 },
    Allowance { of: "outbox_rows", share: 0.5, noise: 3000 },
    Allowance { of: "rss_", share: 0.25, noise: 24 << 20 },
    Allowance { of: "connections", share: 0.0, noise: 48 },
    Allowance { of: "consumer_names", share: 0.0, noise: 4 },
];

impl ResourceUsage {
    pub async fn collect(&mut self, arena: &Arena) -> std::convert::Infallible {
        let mut ticks = interval(SAMPLE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let figures = of_servers(arena).await.into_iter().chain(of_processes(arena)).collect();
            self.samples.push((self.began.elapsed().as_secs_f64(), figures));
        }
    }

    /// Leaves out the memory of services, which such a run restarts again and again.
    pub async fn sample(&mut self, arena: &Arena) {
        self.samples.push((self.began.elapsed().as_secs_f64(), of_servers(arena).await));
    }

    pub fn judge(&self, arena: &mut Arena) {
        if self.samples.len() < MIN_SAMPLES {
            return;
        }
        for (name, grown) in self.growth() {
            arena.findings.extend(
                grown.as_ref().map(|grown| format!("{name} grows with the length of the run: {grown}")),
            );
            arena.invariants.bounds.note(&name, grown);
        }
    }

    pub fn draw(&self, lasting: &SustainedLoad, title: &str) -> Result<(), ChaosError> {
        lasting.picture.as_ref().map_or(Ok(()), |picture| self.write(picture, title))
    }

    #[must_use]
    pub fn peak(&self, name: &str) -> u64 {
        self.samples.iter().filter_map(|(_, figures)| figures.get(name)).copied().max().unwrap_or(0)
    }

    /// Growth from the second to the last quarter, beyond each allowance.
    #[must_use]
    pub fn growth(&self) -> Vec<(String, Option<String>)> {
        let quarter = self.samples.len() / 4;
        let second = &self.samples[quarter..quarter * 2];
        let last = &self.samples[quarter * 3..];
        let names = self
            .samples
            .last()
            .map(|(_, figures)| figures.keys().cloned().collect::<Vec<_>>())
            .unwrap_or_default();
        let judged = |name: String| {
            let allowed = ALLOWED.iter().find(|allowed| name.starts_with(allowed.of))?;
            let before = median(second, &name);
            let after = median(last, &name);
            let most = before + (before as f64 * allowed.share) as u64 + allowed.noise;
            Some((
                name,
                (after > most)
                    .then(|| format!("{before} in the second quarter, {after} in the last, allowed {most}")),
            ))
        };
        names.into_iter().filter_map(judged).collect()
    }

    #[must_use]
    pub fn csv(&self) -> String {
        let names: Vec<&String> = self
            .samples
            .iter()
            .max_by_key(|(_, figures)| figures.len())
            .map(|(_, all)| all.keys().collect())
            .unwrap_or_default();
        let mut csv = String::from("seconds");
        names.iter().for_each(|name| _ = write!(csv, ",{name}"));
        for (seconds, figures) in &self.samples {
            let _ = write!(csv, "\n{seconds:.1}");
            names.iter().for_each(|name| {
                _ = write!(csv, ",{}", figures.get(*name).map(u64::to_string).unwrap_or_default())
            });
        }
        csv + "\n"
    }

    fn write(&self, picture: &Path, title: &str) -> Result<(), ChaosError> {
        let written = |path: &Path, text: String| {
            std::fs::write(path, text).map_err(ChaosError::io(format!("write {}", path.display())))
        };
        written(picture, self.svg(title))?;
        written(&picture.with_extension("csv"), self.csv())
    }

    fn svg(&self, title: &str) -> String {
        let names: Vec<String> =
            self.samples.last().map(|(_, figures)| figures.keys().cloned().collect()).unwrap_or_default();
        let height = TOP + BAND * names.len() as f64 + 30.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
        );
        let _ = writeln!(svg, "{}", text(16.0, 26.0, "font-size=\"17\" font-weight=\"bold\"", title));
        for (index, name) in names.iter().enumerate() {
            svg += &self.band(name, TOP + BAND * index as f64);
        }
        let end = self.samples.last().map_or(0.0, |(seconds, _)| *seconds);
        let _ = writeln!(svg, "{}", text(LEFT, height - 10.0, "fill=\"#57606a\"", "0 min"));
        let _ = writeln!(
            svg,
            "{}",
            text(
                RIGHT,
                height - 10.0,
                "text-anchor=\"end\" fill=\"#57606a\"",
                &format!("{:.1} min", end / 60.0)
            )
        );
        svg + "</svg>\n"
    }

    fn band(&self, name: &str, top: f64) -> String {
        let most = self.peak(name).max(1) as f64;
        let end = self.samples.last().map_or(1.0, |(seconds, _)| seconds.max(1.0));
        // Samples that share a point are drawn by their maximum.
        let point = |samples: &[(f64, ResourceSample)]| {
            let (seconds, _) = samples.first()?;
            let value = samples.iter().filter_map(|(_, figures)| figures.get(name)).max()?;
            let x = LEFT + (RIGHT - LEFT) * seconds / end;
            let share = *value as f64 / most;
            Some(format!("{x:.1},{:.1}", top + BAND - 8.0 - (BAND - 16.0) * share))
        };
        let points: Vec<String> =
            self.samples.chunks(self.samples.len().div_ceil(POINTS).max(1)).filter_map(point).collect();
        let base = top + BAND - 8.0;
        let label = text(LEFT - 10.0, top + 24.0, "text-anchor=\"end\"", name);
        let scale = text(
            LEFT - 10.0,
            top + 40.0,
            "text-anchor=\"end\" fill=\"#57606a\" font-size=\"11\"",
            &format!("at most {}", shown(name, most)),
        );
        format!(
            "{label}\n{scale}\n<line x1=\"{LEFT}\" y1=\"{base}\" x2=\"{RIGHT}\" y2=\"{base}\" stroke=\"#d0d7de\"/>\n\
             <polyline points=\"{}\" fill=\"none\" stroke=\"#1a7f37\" stroke-width=\"1.5\"/>\n",
            points.join(" ")
        )
    }
}

const WIDTH: f64 = 960.0;
const TOP: f64 = 44.0;
const BAND: f64 = 60.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 940.0;
/// One every other pixel.
const POINTS: usize = 375;

fn shown(name: &str, value: f64) -> String {
    let is_bytes = name.starts_with("rss_") || name.ends_with("_bytes");
    if is_bytes { format!("{:.0} MiB", value / f64::from(1 << 20)) } else { format!("{value:.0}") }
}

async fn of_servers(arena: &Arena) -> ResourceSample {
    let mut figures = ResourceSample::new();
    if let Ok(redis) = arena.redis() {
        let mut names = 0;
        // A sampled run has one partition for each stream.
        for stream in ROUTES.map(|route| route.stream) {
            for group in redis.groups(stream).await.unwrap_or_default() {
                let Some(group) = group.get("name") else { continue };
                let consumers = redis.consumers(stream, group).await.unwrap_or_default();
                names += consumers.iter().filter(|consumer| !is_stale(consumer)).count() as u64;
            }
            figures.insert(format!("entries_{stream}"), redis.length(stream).await.unwrap_or(0));
        }
        figures.insert("consumer_names".to_owned(), names);
        figures.extend(redis.info("used_memory").await.ok().map(|bytes| ("redis_bytes".to_owned(), bytes)));
    }
    for kind in [Kind::Inventory, Kind::Payment] {
        let rows = arena.database(kind).number(OUTBOX, &[]).await.ok();
        figures.extend(rows.map(|rows| (format!("outbox_rows_{kind}"), rows.unsigned_abs())));
    }
    // Their services have opened others.
    let silent = arena.network.lanes().map(|lane| lane.postgres.silent() as u64).sum();
    let connections = arena.database(Kind::Payment).number(CONNECTIONS, &[]).await.ok();
    figures
        .extend(connections.map(|all| ("connections".to_owned(), all.unsigned_abs().saturating_sub(silent))));
    figures
}

fn of_processes(arena: &Arena) -> ResourceSample {
    let running = arena.stack.services().filter(|service| service.exit_status().is_none());
    running.map(|service: &Service| (format!("rss_{}", service.id()), resident(service.pid()))).collect()
}

fn median(samples: &[(f64, ResourceSample)], name: &str) -> u64 {
    let mut values: Vec<u64> = samples.iter().filter_map(|(_, figures)| figures.get(name)).copied().collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over_time(name: &str, of: impl Fn(u64) -> u64) -> ResourceUsage {
        let samples =
            (0..16).map(|at| (at as f64, ResourceSample::from([(name.to_owned(), of(at))]))).collect();
        ResourceUsage { samples, ..ResourceUsage::default() }
    }

    #[test]
    fn what_grows_with_the_length_of_a_run_is_named_and_what_is_level_is_not() {
        let growing = over_time("redis_bytes", |at| at * (64 << 20)).growth();
        assert!(
            growing[0].1.as_ref().is_some_and(|why| why.contains("in the second quarter")),
            "{growing:?}"
        );
        assert_eq!(over_time("redis_bytes", |_| 64 << 20).growth(), [("redis_bytes".to_owned(), None)]);
    }

    #[test]
    fn a_start_from_nothing_and_a_figure_without_a_bound_are_no_growth() {
        assert_eq!(
            over_time("rss_payment-1", |at| if at < 4 { 0 } else { 90 << 20 }).growth(),
            [("rss_payment-1".to_owned(), None)]
        );
        assert!(over_time("entries_order_completed", |at| at).growth().is_empty());
    }

    #[test]
    fn figures_are_written_one_line_a_moment_and_drawn_one_line_a_figure() {
        let level = over_time("connections", |_| 40);
        assert!(level.csv().starts_with("seconds,connections\n0.0,40\n1.0,40\n"));
        assert_eq!(level.svg("Soak").matches("<polyline").count(), 1);
        assert_eq!(level.peak("connections"), 40);
    }

    #[test]
    fn a_run_too_short_to_be_sampled_has_not_grown() {
        assert!(ResourceUsage::default().growth().is_empty());
    }
}
