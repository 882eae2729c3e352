//! Values and their rules, without I/O and frameworks.

mod account;
mod client;
mod email;
mod password;
mod session;
mod signing_key;
mod with_password;

pub use account::{Account, AccountChange, Change, Credentials, Deletion, EmailChange, Registration};
pub use client::{Client, ClientId, ClientIdError, Scopes};
pub use email::{Email, EmailError};
pub use password::{Password, PasswordError, PasswordHash};
pub use session::{Admission, AttemptLimits, Rotation, Session, Standing};
pub use signing_key::{
    KeyRecord, KeyRetirement, KeyRotation, KeySchedule, KeyState, SigningKey, StoredKey, StoredSecret,
};
pub use with_password::WithPassword;
