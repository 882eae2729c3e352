use reqwest::Url;

/// `http://127.0.0.1:8001`, also with a path. Without the last slash.
pub fn service_url(text: &str) -> Result<String, String> {
    let rule = || "must be http:// or https:// with a host, such as http://127.0.0.1:8001".to_owned();
    let url = Url::parse(text).map_err(|_| rule())?;
    let is_http = ["http", "https"].contains(&url.scheme()) && url.has_host();
    let is_plain = url.query().is_none() && url.fragment().is_none();
    if !is_http || !is_plain {
        return Err(rule());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must have no user and no password; give a token with --token".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_and_a_host() {
        assert_eq!(service_url("http://127.0.0.1:8001/"), Ok("http://127.0.0.1:8001".to_owned()));
        assert_eq!(service_url("https://shop.example/api"), Ok("https://shop.example/api".to_owned()));
    }

    #[test]
    fn other_addresses_are_usage_errors() {
        for text in [
            "",
            "foo",
            "localhost:8001",
            "127.0.0.1:8001",
            "ftp://x",
            "http://",
            "http://h?a",
            "http://u:p@h",
        ] {
            assert!(service_url(text).is_err(), "{text}");
        }
    }
}
