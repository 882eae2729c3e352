//! Throughput and latency, against yardsticks on the same machine in the same run (`docs/benchmarks`).
//!
//! Start with `site` (the stack), `system` (its measurements) and `yardsticks`.

mod awaited;
mod backlog;
mod browse;
mod chart;
mod cores;
mod database;
mod error;
mod figure;
mod machine;
mod measure;
mod orders;
pub mod overload;
mod paced;
mod pgbench;
mod plan;
mod program;
mod progress;
mod reading;
mod report;
mod rows;
mod run;
mod site;
mod stored;
mod system;
mod wrk;
mod yardsticks;

pub use chart::{svg, text};
pub use error::BenchError;
pub use figure::{Figure, Unit};
pub use machine::Machine;
pub use measure::Measure;
pub use plan::BenchPlan;
pub use progress::Progress;
pub use reading::Reading;
pub use report::{Measured, Report, ReportedPlan};
pub use rows::{Better, Row, Verdict};
pub use run::run;
