use actix_web::{HttpRequest, http::header::HeaderName};
use utoipa::IntoParams;

use super::FieldError;

static NAME: HeaderName = HeaderName::from_static("idempotency-key");
/// As messages show it.
const HEADER: &str = "Idempotency-Key";
/// The contract's number.
const LONGEST: usize = 255;

/// Describes the header in OpenAPI.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
pub struct IdempotencyKeyHeader {
    /// The client's name for the request, new for each. The same key and body get the same answer.
    #[param(rename = "Idempotency-Key", min_length = 1, max_length = 255, pattern = "^[ -~]+$")]
    #[param(example = "4f1c2a9e-checkout-1")]
    pub key: String,
}

/// The client's name for this request. The rule is that of all services.
pub fn idempotency_key(request: &HttpRequest) -> Result<&str, FieldError> {
    let mut sent = request.headers().get_all(&NAME);
    let key = sent.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    if sent.next().is_some() {
        return Err(FieldError::new(HEADER, "must be sent once"));
    }
    if (1..=LONGEST).contains(&key.len()) && key.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Ok(key);
    }
    let rule = format!("is required: 1 to {LONGEST} printable ASCII characters, new ones for every request");
    Err(FieldError::new(HEADER, rule))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_key_is_1_to_255_printable_characters_sent_once() {
        let read = |keys: &[&str]| {
            let with = |request: TestRequest, key: &&str| request.append_header((HEADER, *key));
            let request = keys.iter().fold(TestRequest::post(), with).to_http_request();
            idempotency_key(&request).map(str::to_owned).map_err(|error| error.reason)
        };
        for good in ["k", "an order of 1", &"x".repeat(255)] {
            assert_eq!(read(&[good]).as_deref(), Ok(good));
        }
        for bad in ["", "a\tb", "schl\u{fc}ssel", &"x".repeat(256)] {
            assert!(read(&[bad]).is_err_and(|rule| rule.starts_with("is required")), "{bad}");
        }
        assert!(read(&[]).is_err());
        assert_eq!(read(&["a", "a"]), Err("must be sent once".to_owned()));
    }
}
