//! `shopctl` as a shell runs it.

mod commands;
mod errors;
mod lost_output;
mod stage;
mod up;

use stage::{Said, Stage};
