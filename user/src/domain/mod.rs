//! Values and their rules, without I/O and frameworks.

mod account;
mod email;
mod password;
mod signing_key;

pub use account::{Account, Credentials, Registration, RoleChange};
pub use email::{Email, EmailError};
pub use password::{Password, PasswordError, PasswordHash};
pub use signing_key::SigningKey;
