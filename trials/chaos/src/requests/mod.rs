//! Clients that misbehave, against running services.
//!
//! | module | content |
//! | --- | --- |
//! | [`caller`] | a customer who logs requests and responses |
//! | [`one_key`] | the same order fifty times at once |
//! | [`mod@client_gone`] | a client that disconnects in the middle of a request |
//! | [`mod@too_large`] | requests beyond the limits |
//! | [`poison`] | poison messages and their redrive |
//! | [`table_lock`] | a locked table that exhausts the pool |
//!
//! Guarantees: every `POST /orders` is logged before it is sent, and is retried with its key until its
//! outcome is known.

pub mod caller;
pub mod client_gone;
mod error;
pub mod one_key;
pub mod poison;
pub mod table_lock;
pub mod too_large;

pub use caller::{Caller, Customer};
pub use client_gone::{ClientGone, Phase, client_gone};
pub use error::RequestError;
pub use one_key::{OneKey, one_key_fifty_times};
pub use poison::{Poison, Redrive, dead_letter, redrive_once, send_poison};
pub use table_lock::hold_all_connections;
pub use too_large::{Refusal, too_large};
