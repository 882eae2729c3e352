//! Bounded JSON bodies; a mistake is named by its JSON pointer, in plain words.

use std::{borrow::Cow, time::Duration};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::{
        StatusCode,
        header::{self, HeaderMap, HeaderName},
    },
    web::{Bytes, BytesMut, Data},
};
use events::objects::{self, Objects};
use futures_util::{StreamExt, future::LocalBoxFuture};
use serde::de::{DeserializeOwned, IgnoredAny};

use super::{FieldError, Problem, rule};

/// The limits of a body.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// In bytes.
    pub body: usize,
    /// From the end of the head to the end of the body.
    pub time: Duration,
}

/// A JSON body. `T` should deny unknown fields, to report misspelt ones.
#[derive(Debug)]
pub struct JsonBody<T> {
    pub value: T,
}

impl<T: DeserializeOwned + 'static> FromRequest for JsonBody<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_json = is_json(&media_type(request));
        let bytes = receive(request, payload);
        Box::pin(async move {
            if !is_json {
                let detail = "Send the body as JSON, with `Content-Type: application/json`.";
                return Err(unsupported(detail, (header::ACCEPT, "application/json")));
            }
            Ok(Self { value: parse(&bytes.await?)? })
        })
    }
}

fn is_json(media_type: &str) -> bool {
    let is_other = || media_type.starts_with("application/") && media_type.ends_with("+json");
    media_type == "application/json" || is_other()
}

/// Without parameters such as the charset, in lower case.
pub(super) fn media_type(request: &HttpRequest) -> Cow<'_, str> {
    let kind =
        request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    match kind.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => kind.to_ascii_lowercase().into(),
        false => kind.into(),
    }
}

pub(super) fn unsupported(detail: &str, taken: (HeaderName, &'static str)) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail).header(taken)
}

/// A compressed body would need a limit of its own: bodies here are small.
fn check_coding(headers: &HeaderMap) -> Result<(), Problem> {
    let mut codings = headers.get_all(header::CONTENT_ENCODING);
    if codings.all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Ok(());
    }
    let detail = "Send the body as it is, without `Content-Encoding`.";
    Err(unsupported(detail, (header::ACCEPT_ENCODING, "identity")))
}

/// The whole body, within its limits.
pub(super) fn receive(
    request: &HttpRequest,
    payload: &mut Payload,
) -> impl Future<Output = Result<Bytes, Problem>> + use<> {
    let limits = request.app_data::<Data<BodyLimits>>().map(|limits| *limits.get_ref());
    let coding = check_coding(request.headers());
    let payload = payload.take();
    async move {
        coding?;
        let limits = limits.ok_or_else(Problem::internal)?;
        let late = |_| {
            let detail = format!("The body did not arrive within {:?}.", limits.time);
            Problem::new(StatusCode::REQUEST_TIMEOUT, "body-timeout", detail)
        };
        tokio::time::timeout(limits.time, read(payload, limits.body)).await.map_err(late)?
    }
}

async fn read(mut payload: Payload, limit: usize) -> Result<Bytes, Problem> {
    let mut whole = Bytes::new();
    let mut parts = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let broken = |_| {
            let detail = "The body ended early, or its transfer coding is broken.";
            Problem::new(StatusCode::BAD_REQUEST, "broken-body", detail)
        };
        let chunk = chunk.map_err(broken)?;
        // One chunk, the usual case, needs no copy.
        if whole.is_empty() && parts.is_empty() {
            whole = chunk;
        } else {
            parts.extend_from_slice(&std::mem::take(&mut whole));
            parts.extend_from_slice(&chunk);
        }
        if whole.len() + parts.len() > limit {
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body-too-large",
                format!("The body is larger than {limit} bytes."),
            ));
        }
    }
    Ok(if parts.is_empty() { whole } else { parts.freeze() })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // A byte order mark may be ignored (RFC 8259, 8.1).
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    objects::from_slice(bytes).map_err(|_| mistake::<T>(bytes))
}

/// Parses again, to locate the mistake.
fn mistake<T: DeserializeOwned>(bytes: &[u8]) -> Problem {
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(bytes) {
        return malformed(bytes, &error);
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    match serde_path_to_error::deserialize::<_, T>(Objects(&mut json)) {
        Err(error) => {
            let pointer = pointer(error.path());
            let message = error.into_inner().to_string();
            Problem::invalid(vec![FieldError::new(field(pointer, &message), rule::of_data(&message))])
        }
        Ok(_) => Problem::internal(), // the first reading failed
    }
}

fn malformed(bytes: &[u8], error: &serde_json::Error) -> Problem {
    let detail = if bytes.is_empty() {
        "The body is empty. Send a JSON object.".to_owned()
    } else {
        format!("The body is not valid JSON: line {}, column {}.", error.line(), error.column())
    };
    Problem::new(StatusCode::BAD_REQUEST, "malformed-json", detail)
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    let segment = |segment: &serde_path_to_error::Segment| match segment {
        serde_path_to_error::Segment::Seq { index } => format!("/{index}"),
        serde_path_to_error::Segment::Map { key } => {
            format!("/{}", key.replace('~', "~0").replace('/', "~1"))
        }
        serde_path_to_error::Segment::Enum { variant } => format!("/{variant}"),
        serde_path_to_error::Segment::Unknown => String::new(),
    };
    path.iter().map(segment).collect()
}

/// The path of a missing field ends at its parent; the message has the name.
fn field(pointer: String, message: &str) -> String {
    match message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()) {
        Some(name) => format!("{pointer}/{name}"),
        None => pointer,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        #[expect(dead_code, reason = "only parsed")]
        items: Vec<Item>,
        #[expect(dead_code, reason = "only parsed")]
        #[serde(default)]
        kind: Kind,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        #[default]
        First,
        Second,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Item {
        #[expect(dead_code, reason = "only parsed")]
        quantity: u32,
    }

    fn complaint(body: &str) -> String {
        serde_json::to_value(parse::<Order>(body.as_bytes()).unwrap_err()).unwrap()["errors"][0]["pointer"]
            .to_string()
    }

    #[test]
    fn a_mistake_is_named_by_its_json_pointer() {
        assert_eq!(complaint(r#"{"items": [{"quantity": "two"}]}"#), "\"/items/0/quantity\"");
        assert_eq!(complaint(r#"{"items": [{}]}"#), "\"/items/0/quantity\"");
        assert_eq!(complaint(r#"{"items": [], "role": "ADMIN"}"#), "\"/role\"");
        assert_eq!(complaint(r#"{"items": [], "kind": null}"#), "\"/kind\"");
        assert_eq!(complaint(r#"{"items": [], "kind": "third"}"#), "\"/kind\"");
    }

    #[test]
    fn a_mistake_is_a_rule_in_plain_words() {
        for (body, rule) in [
            (r#"{}"#, "is required"),
            (r#"{"items": 7}"#, "must be an array, got 7"),
            (r#"{"items": [7]}"#, "must be an object, got 7"),
            (r#"{"items": [{"quantity": -1}]}"#, "must be a whole number, 0 or more, got -1"),
            (r#"{"items": [{"quantity": 1.5}]}"#, "must be a whole number, 0 or more, got 1.5"),
            (
                r#"{"items": [{"quantity": "a, expected b"}]}"#,
                "must be a whole number, 0 or more, got a string",
            ),
            (r#"{"items": [{"quantity": 1, "quantity": 2}]}"#, "must be given once"),
            (r#"{"items": [], "kind": null}"#, "must be one of first, second"),
            (r#"{"items": [], "kind": "third"}"#, "must be one of first, second"),
            (r#"{"items": [], "x": 1}"#, "is unknown; known are items, kind"),
        ] {
            let problem = serde_json::to_value(parse::<Order>(body.as_bytes()).unwrap_err()).unwrap();
            assert_eq!(problem["errors"][0]["reason"], rule, "{body}");
        }
    }

    #[test]
    fn an_array_is_no_object_at_any_depth() {
        assert_eq!(complaint("[[]]"), "\"\"");
        assert_eq!(complaint(r#"{"items": [{"quantity": 1}, [1]]}"#), "\"/items/1\"");
        let problem = parse::<Order>(br#"{"items": [[1]]}"#).unwrap_err();
        let problem = serde_json::to_value(problem).unwrap();
        assert_eq!(problem["detail"], "/items/0: must be an object, got an array");
    }

    #[actix_web::test]
    async fn a_body_that_comes_in_parts_is_put_together_and_bounded_as_a_whole() {
        let parts = |parts: &[&'static str]| -> Payload {
            let parts: Vec<_> = parts.iter().map(|part| Ok(Bytes::from_static(part.as_bytes()))).collect();
            Payload::Stream { payload: Box::pin(futures_util::stream::iter(parts)) }
        };
        for split in [vec![], vec!["{\"a\":1}"], vec!["{\"a\"", ":1", "}"], vec!["", "{", ""]] {
            assert_eq!(read(parts(&split), 7).await, Ok(Bytes::from(split.concat())), "{split:?}");
        }
        for split in [vec!["12345678"], vec!["1234", "5678"]] {
            assert_eq!(
                read(parts(&split), 7).await.map_err(|problem| problem.code()),
                Err("body-too-large"),
                "{split:?}"
            );
        }
    }

    #[test]
    fn broken_json_is_malformed_and_not_invalid() {
        for body in ["", "{", "{} x", "nul"] {
            assert_eq!(
                parse::<serde_json::Value>(body.as_bytes()).unwrap_err().code(),
                "malformed-json",
                "{body}"
            );
        }
    }
}
