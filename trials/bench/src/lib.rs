//! How fast it is, beside yardsticks on the same machine in the same run.
//!
//! A figure alone says more about the machine than about the system. So each is put beside what PostgreSQL
//! and Redis do by hand, and both are measured in turns: round by round, the medians count. Every measurement
//! starts on empty tables and a quiet machine, and says which cores were used by whom; one beside foreign
//! work is marked.
//!
//! | module | what it is |
//! | --- | --- |
//! | [`Measure`], [`BenchPlan`] | what is measured, how often, how long |
//! | `site` | the stack, its customers and products |
//! | `system`, `orders`, `backlog`, `stored`, `paced` | what the system does |
//! | `yardsticks`, `pgbench`, `plain_handler`, `redis_disk` | what PostgreSQL, a handler, Redis and the disk do by hand |
//! | `wrk`, `program`, `database` | load generators, and the databases asked directly |
//! | `cores` | who used which part of the machine |
//! | [`overload`] | what is left of it when more is offered than it can do |
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
