use redis::IntoConnectionInfo;

/// `redis://` or, with TLS, `rediss://`.
pub fn redis_url(text: &str) -> Result<String, String> {
    let is_redis = text.into_connection_info().is_ok();
    is_redis.then(|| text.to_owned()).ok_or_else(|| {
        "must be an address such as redis://:password@host:6379/0, or rediss:// for TLS".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_redis_has_its_scheme() {
        assert!(redis_url("redis://:secret@127.0.0.1:6379/0").is_ok());
        assert!(redis_url("rediss://user:secret@redis:6379").is_ok());
        for text in ["", "foo", "http://h", "127.0.0.1:6379"] {
            assert!(redis_url(text).is_err(), "{text}");
        }
    }
}
