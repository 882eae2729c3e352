//! The command on the line, with what it reads.

use std::net::SocketAddr;

use super::Common;
use crate::{db::DatabaseSettings, settings::Source, telemetry::LogSettings};

/// What a service is asked to do.
pub enum Task<S> {
    Serve(Box<S>),
    Migrate(Box<MigrateSettings>),
    /// Where the REST API of the service beside it listens.
    Healthcheck(SocketAddr),
}

/// What `migrate` reads: `database-url` is the owner's.
#[derive(Debug, Clone)]
pub struct MigrateSettings {
    pub log: LogSettings,
    pub database: DatabaseSettings,
}

impl<S: AsRef<Common>> Task<S> {
    /// The command of `source`, and its settings; `read` reads those of the service.
    pub fn read(source: &mut Source, read: impl FnOnce(&mut Source) -> S) -> Self {
        match source.command() {
            Some("migrate") => Self::Migrate(Box::new(MigrateSettings::read(source))),
            // All settings, because it runs with those of the service: a file may hold them, and its other
            // keys are no mistake.
            Some("healthcheck") => Self::Healthcheck(read(source).as_ref().http_bind),
            _ => Self::Serve(Box::new(read(source))),
        }
    }
}

impl MigrateSettings {
    fn read(source: &mut Source) -> Self {
        let log = LogSettings::read(source);
        // Whatever the setting says: this is the command it refers to.
        Self { log, database: DatabaseSettings { migrate_on_start: true, ..DatabaseSettings::read(source) } }
    }
}
