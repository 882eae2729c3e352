//! Accounts, roles, keys and tokens: the only signer of the shop.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`settings`] | what the service reads, per command |
//! | [`startup`] | who is made of what, and in which order it goes up and down |
//! | [`create_admin`] | the command `create-admin` |
//! | [`domain`] | e-mail, password, account: values and their rules |
//! | [`tokens`] | the signing key, what is signed with it, and who may ask as a service |
//! | [`store`] | all SQL |
//! | [`actors`] | accounts, service tokens, and the bounded password hasher |
//! | [`http`] | routes, bodies, error mapping |

pub mod actors;
pub mod create_admin;
pub mod domain;
pub mod http;
mod preparation;
pub mod settings;
mod start_error;
pub mod startup;
pub mod store;
pub mod tokens;

/// The name of this service in health, metrics, logs and events.
pub const SERVICE: &str = "user";
