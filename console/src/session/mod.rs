//! Logins of viewers.
//!
//! Guarantee: the tokens of `user` never leave this process. A browser holds a random id that means nothing
//! elsewhere. A login ends here when it ends at `user`, when it is idle for too long, and when others need
//! its place.

mod caller;
mod error;
mod login;
mod random;
mod store;

pub use caller::Caller;
pub use error::CallError;
pub use login::{Notice, Session};
pub use random::{is_equal, random_id};
pub use store::Sessions;
