//! Dropping a stack ends all its processes, and so does SIGKILL of its owner (see `servers`).
//!
//! ```no_run
//! # async fn example() -> Result<(), ctl::stack::StackError> {
//! use ctl::stack::{Kind, Stack, StackOptions};
//!
//! let mut stack = Stack::start(StackOptions::private("/tmp/orderflow-example")?).await?;
//! stack.start_services().await?;
//! let second = stack.start_service(Kind::Inventory).await?;
//! stack.kill9(second).await?;
//! stack.restart(second).await?;
//! stack.stop_all().await?;
//! # Ok(())
//! # }
//! ```

mod binaries;
mod ended;
mod error;
mod kind;
mod lifecycle;
mod options;
mod output;
mod servers;
mod service;
mod wiring;

pub use binaries::{find as find_binary, find_program};
pub use ended::Ended;
pub use error::StackError;
pub use kind::{Kind, ServiceId};
pub use lifecycle::Stack;
pub use options::{Env, StackOptions};
pub use output::{Listening, Output, Sink};
pub use servers::{ExternalServers, ServerChoice};
pub use service::{Plan, Service};
pub use wiring::{Addresses, Network};
