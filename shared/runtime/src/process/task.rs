//! The command of a process, with the settings it needs.

use std::net::SocketAddr;

use super::Common;
use crate::{db::DatabaseSettings, settings::Source, telemetry::LogSettings};

/// The command of a process.
pub enum Task<S> {
    /// Run the service.
    Serve(Box<S>),
    /// Bring the schema up to date.
    Migrate(Box<MigrateSettings>),
    /// Check the service beside this process; the address is that of its REST API.
    Healthcheck(SocketAddr),
}

/// The settings of `migrate`: `database-url` is the one of the owner.
#[derive(Debug, Clone)]
pub struct MigrateSettings {
    /// Form and filter of the logs.
    pub log: LogSettings,
    /// The database to migrate.
    pub database: DatabaseSettings,
}

impl<S: AsRef<Common>> Task<S> {
    /// Reads the command of `source` and its settings; `read` reads those of the service.
    pub fn read(source: &mut Source, read: impl FnOnce(&mut Source) -> S) -> Self {
        match source.command() {
            Some("migrate") => Self::Migrate(Box::new(MigrateSettings::read(source))),
            // Reads all settings of the service, because both share a file, whose other keys must count as
            // known.
            Some("healthcheck") => Self::Healthcheck(read(source).as_ref().http_bind),
            _ => Self::Serve(Box::new(read(source))),
        }
    }
}

impl MigrateSettings {
    fn read(source: &mut Source) -> Self {
        let log = LogSettings::read(source);
        // This is the command that `migrate-on-start=off` refers to.
        Self { log, database: DatabaseSettings { migrate_on_start: true, ..DatabaseSettings::read(source) } }
    }
}
