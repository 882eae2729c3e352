//! Parameters and client authentication by RFC 6749.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, http::header};
use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use runtime::http::FormBody;

use super::oauth_error::OauthError;
use crate::{actors::ClientCredentials, domain::ClientId, tokens::ClientSecret};

/// The parameters of a request. An empty one counts as absent (RFC 6749, 3.2).
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    pub fn read(FormBody(pairs): FormBody) -> Result<Self, OauthError> {
        let mut found = BTreeMap::new();
        for (name, value) in pairs {
            if found.insert(name, value).is_some() {
                return Err(OauthError::InvalidRequest("A parameter was given twice."));
            }
        }
        found.retain(|_, value| !value.is_empty());
        Ok(Self(found))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The id and the secret, in the header (`client_secret_basic`) or in the body (`client_secret_post`).
    pub fn credentials(&self, request: &HttpRequest) -> Result<ClientCredentials, OauthError> {
        let mut headers = request.headers().get_all(header::AUTHORIZATION);
        let header = headers.next();
        if headers.next().is_some() {
            return Err(OauthError::InvalidRequest("The header Authorization was sent twice."));
        }
        let (id, secret) = match (header, self.get("client_secret")) {
            (Some(_), Some(_)) => {
                let what = "The client must authenticate in the header or in the body, not in both.";
                return Err(OauthError::InvalidRequest(what));
            }
            (Some(header), None) => {
                let basic = header.to_str().ok().and_then(basic).ok_or(OauthError::InvalidClient)?;
                if self.get("client_id").is_some_and(|id| id != basic.0) {
                    let what = "client_id is not the client in the header Authorization.";
                    return Err(OauthError::InvalidRequest(what));
                }
                basic
            }
            (None, Some(secret)) => (self.get("client_id").unwrap_or_default().to_owned(), secret.to_owned()),
            (None, None) => return Err(OauthError::InvalidClient),
        };
        Ok(ClientCredentials { id: ClientId::parse(&id).ok(), secret: ClientSecret::shown(secret) })
    }
}

/// Both parts are encoded as in a form (RFC 6749, 2.3.1).
fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((decoded(id)?, decoded(secret)?))
}

fn decoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8().ok().map(|text| text.into_owned())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Parameters, OauthError> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Parameters::read(FormBody(pairs.collect()))
    }

    fn credentials(headers: &[&str], pairs: &[(&str, &str)]) -> Result<(String, String), OauthError> {
        let request = headers.iter().fold(TestRequest::post(), |request, header| {
            request.append_header((header::AUTHORIZATION, *header))
        });
        let found = read(pairs)?.credentials(&request.to_http_request())?;
        let id = found.id.map_or("no id".to_owned(), |id| id.to_string());
        Ok((id, found.secret.expose().to_owned()))
    }

    fn basic_of(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn a_client_authenticates_in_the_header_or_in_the_body() {
        let expected = Ok(("payment".to_owned(), "a secret:%".to_owned()));
        assert_eq!(credentials(&[&basic_of("pay%6Dent:a+secret:%25")], &[]), expected);
        let same = credentials(&[&basic_of("payment:a%20secret%3A%25")], &[("client_id", "payment")]);
        assert_eq!(same, expected);
        let post = [("client_id", "payment"), ("client_secret", "a secret:%")];
        assert_eq!(credentials(&[], &post), expected);
        let lower = basic_of("payment:a+secret:%25").replace("Basic", "basic");
        assert_eq!(credentials(&[&lower], &[]), expected);
    }

    #[test]
    fn both_at_once_and_two_headers_are_an_invalid_request() {
        let basic = basic_of("payment:s");
        for (headers, form) in [
            (vec![basic.as_str()], vec![("client_secret", "s")]),
            (vec![basic.as_str(), basic.as_str()], vec![]),
            (vec![basic.as_str()], vec![("client_id", "reports")]),
        ] {
            let error = credentials(&headers, &form);
            assert!(matches!(error, Err(OauthError::InvalidRequest(_))), "{headers:?} {form:?}");
        }
    }

    #[test]
    fn a_client_that_does_not_authenticate_is_invalid() {
        let no_utf8 = format!("Basic {}", STANDARD.encode([0xff, b':', b's']));
        for header in ["Basic", "Basic ?", "Bearer abc", &basic_of("payment"), &no_utf8, &basic_of("a:%ff")] {
            assert_eq!(credentials(&[header], &[]), Err(OauthError::InvalidClient), "{header}");
        }
        assert_eq!(credentials(&[], &[("client_id", "payment")]), Err(OauthError::InvalidClient));
        assert_eq!(credentials(&[], &[("client_secret", "s")]).unwrap().0, "no id");
    }

    #[test]
    fn a_parameter_may_be_given_once_and_an_empty_one_is_absent() {
        assert!(read(&[("scope", "a"), ("scope", "a")]).is_err());
        assert!(read(&[("scope", ""), ("scope", "a")]).is_err());
        assert_eq!(read(&[("scope", ""), ("other", "b")]).ok().unwrap().get("scope"), None);
    }
}
