use tokio_postgres::Config;

use crate::api::innermost;

/// A URL of PostgreSQL, or `host=... dbname=...`.
pub fn database_url(text: &str) -> Result<String, String> {
    let rule =
        |why: &str| format!("must be an address such as postgres://user:password@host:5432/database: {why}");
    let config: Config = text.parse().map_err(|error| rule(&innermost(&error)))?;
    if config.get_hosts().is_empty() {
        return Err(rule("it names no host"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_postgresql_names_a_host() {
        for text in ["postgres://u:p@h/d", "postgresql://h:5433,i/d?sslmode=require", "host=/run dbname=d"] {
            assert!(database_url(text).is_ok(), "{text}");
        }
        for text in ["", "foo", "http://h/d", "postgres://h:port/d", "dbname=d"] {
            assert!(database_url(text).is_err(), "{text}");
        }
    }
}
