use std::net::SocketAddr;

use super::Common;
use crate::{
    audit::AuditSettings,
    db::DatabaseSettings,
    settings::{Production, Source},
    telemetry::LogSettings,
};

/// A command, with the settings it needs.
pub enum Task<S> {
    Serve(Box<S>),
    /// For deployments whose service cannot change tables.
    Migrate(Box<MigrateSettings>),
    /// The address of the REST API, and whether it speaks TLS.
    Healthcheck {
        address: SocketAddr,
        encrypted: bool,
    },
}

/// The settings of `migrate`; `database-url` is the owner's.
#[derive(Debug, Clone)]
pub struct MigrateSettings {
    pub log: LogSettings,
    pub database: DatabaseSettings,
    pub audit: AuditSettings,
}

impl<S: AsRef<Common>> Task<S> {
    /// Reads the command and its settings.
    pub fn read(source: &mut Source, read: impl FnOnce(&mut Source) -> S) -> Self {
        match source.command() {
            Some("migrate") => Self::Migrate(Box::new(MigrateSettings::read(source))),
            // Reads all settings: the keys of a shared file must be known.
            Some("healthcheck") => {
                let settings = read(source);
                let common = settings.as_ref();
                Self::Healthcheck { address: common.http_bind, encrypted: common.tls.is_some() }
            }
            _ => Self::Serve(Box::new(read(source))),
        }
    }
}

impl MigrateSettings {
    fn read(source: &mut Source) -> Self {
        let production = Production::read(source);
        let log = LogSettings::read(source);
        log.check(source, production);
        // Overrides `migrate-on-start=off`.
        let database = DatabaseSettings { migrate_on_start: true, ..DatabaseSettings::read(source) };
        production.check_database(source, &database.url);
        Self { log, database, audit: AuditSettings::read(source) }
    }
}
