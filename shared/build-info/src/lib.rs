//! The build of a program, as `--version` and metrics show it.

/// The version of the workspace, such as `0.1.0`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Twelve digits of the commit, or `unknown` where neither Git nor `ORDERFLOW_COMMIT` named one. `+` at the end:
/// an unoptimised build of that commit or of work on top of it.
pub const COMMIT: &str = env!("BUILD_COMMIT");

/// The compiler, such as `1.95.0`.
pub const RUSTC: &str = env!("BUILD_RUSTC");

/// `0.1.0 (32ee1e4b8467)`
pub const DESCRIPTION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("BUILD_COMMIT"), ")");
