//! Throughput and latency, against yardsticks on the same machine in the same run.
//!
//! An absolute figure depends on the machine. Each figure is therefore divided by a yardstick of PostgreSQL
//! or Redis alone. Both are measured in turns, round by round, and medians count. Every measurement starts on
//! empty tables and an idle machine, and reports the cores of each group of processes. Foreign work marks a
//! measurement as disturbed.
//!
//! | module | content |
//! | --- | --- |
//! | [`Measure`], [`BenchPlan`] | the measurements, their rounds and times |
//! | `site` | the stack, its customers and products |
//! | `system`, `orders`, `backlog`, `stored`, `paced` | the measurements of the system |
//! | `yardsticks`, `pgbench`, `plain_handler`, `redis_disk` | the yardsticks of PostgreSQL, a plain handler, Redis and the disk |
//! | `wrk`, `program`, `database` | load generators, and direct queries |
//! | `cores` | processor time by group of processes |
//! | [`overload`] | goodput under overload |
//! | [`Report`], `rows`, [`svg`] | medians, floors and goals, the chart |

mod backlog;
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
mod plain_handler;
mod plan;
mod program;
mod progress;
mod reading;
mod redis_disk;
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
