//! Misbehaving clients. Every `POST /orders` is logged before it is sent, and retried with its key until its
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
