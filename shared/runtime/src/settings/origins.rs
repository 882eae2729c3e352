use super::Value;

/// Origins of web pages, separated by commas: `https://shop.example, http://localhost:3000`. Empty text is
/// none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `origin`, as a browser sends it, is one of them to the letter.
    pub fn contain(&self, origin: &str) -> bool {
        self.0.iter().any(|known| known == origin)
    }
}

impl Value for Origins {
    fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(origin).collect::<Result<_, _>>().map(Self)
    }
}

/// As browsers send it: scheme, host and port, in lower case, without the port of the scheme.
fn origin(text: &str) -> Result<String, String> {
    let is_host = |host: &str| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@*\\".contains(&byte))
    };
    let is_sent = |(scheme, host): (&str, &str)| {
        let default_port = match scheme {
            "https" => ":443",
            "http" => ":80",
            _ => return false,
        };
        is_host(host) && !host.ends_with(default_port) && !host.bytes().any(|byte| byte.is_ascii_uppercase())
    };
    if text.split_once("://").is_some_and(is_sent) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "expected origins such as https://shop.example,http://localhost:3000, in lower case, without a path, a \
         `*` or a default port, got `{text}`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_matched_to_the_letter() {
        let origins =
            Origins::parse("https://shop.example, http://localhost:3000,http://[::1]:8080").unwrap();
        assert!(origins.contain("https://shop.example") && origins.contain("http://localhost:3000"));
        for other in ["http://shop.example", "https://shop.example:444", "https://shop.example/", "null", ""]
        {
            assert!(!origins.contain(other), "{other}");
        }
        assert!(Origins::parse("").unwrap().is_empty());
    }

    #[test]
    fn what_no_browser_sends_is_refused() {
        for wrong in [
            "*",
            "null",
            "shop.example",
            "https://",
            "https://shop.example/",
            "https://*.example",
            "https://Shop.example",
            "https://shop.example:443",
            "http://shop.example:80",
            "ftp://shop.example",
            "https://a https://b",
        ] {
            assert!(Origins::parse(wrong).is_err(), "{wrong}");
        }
    }
}
