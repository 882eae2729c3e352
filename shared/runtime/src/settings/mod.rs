//! Settings: one name, several sources, all errors at once.
//!
//! `http-bind` is the flag `--http-bind`, else `HTTP_BIND`, else the file named by `HTTP_BIND_FILE` (a
//! mounted secret), else a key of the TOML file of `--config`.

mod networks;
mod origins;
mod production;
mod source;
mod value;

pub use networks::Networks;
pub use origins::Origins;
pub use production::{PRINTED, Production, is_predictable};
pub use source::{Description, SettingError, SettingsErrors, Source};
pub use value::{DatabaseUrl, HttpUrl, RedisUrl, Secret, Value, uses_tls};
