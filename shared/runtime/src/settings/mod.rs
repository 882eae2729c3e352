//! Settings: one name, three sources, all errors at once.
//!
//! The setting `http-bind` is the flag `--http-bind`, the environment variable `HTTP_BIND`, and the key
//! `http-bind` of the TOML file named by `--config` or `CONFIG`. A flag wins over the environment, the
//! environment over the file, the file over the default. `HTTP_BIND_FILE` reads the value from a file, as
//! Docker and Kubernetes mount secrets.
//!
//! A service reads its settings field by field. A wrong value is recorded, and the default or the example of
//! a required setting stands in. [`Source::finish`] then reports all mistakes of a deployment at once.

mod production;
mod source;
mod value;

pub use production::{PRINTED, Production};
pub use source::{Description, SettingError, SettingsErrors, Source};
pub use value::{DatabaseUrl, HttpUrl, RedisUrl, Secret, Value, uses_tls};
