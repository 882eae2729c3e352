//! Accounts, roles, keys and tokens: the only signer of the shop.
//!
//! | module | contents |
//! | --- | --- |
//! | [`settings`] | the settings of each command |
//! | [`startup`] | the composition root: parts, start and shutdown |
//! | [`create_admin`] | the command `create-admin` |
//! | [`domain`] | e-mail, password, account: values and their rules |
//! | [`tokens`] | the signing key, tokens, and the services that may request one |
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
