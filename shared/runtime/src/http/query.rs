use std::ops::Deref;

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures_util::future::{Ready, ready};
use serde::de::DeserializeOwned;

use super::{FieldError, Problem};

/// Query parameters. A mistake names its parameter; unknown ones are ignored.
#[derive(Debug)]
pub struct Query<T>(T);

impl<T> Query<T> {
    /// The parameters.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Query<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse(request.query_string()).map(Self))
    }
}

fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let parameters = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(parameters).map_err(|error| {
        let path = error.path().to_string();
        let message = error.inner().to_string();
        let name = name(&path, &message);
        let given = form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned());
        Problem::invalid(vec![FieldError::new(name, rule(&message, given.as_deref()))])
    })
}

/// Only the message names a missing or repeated parameter.
fn name<'a>(path: &'a str, message: &'a str) -> &'a str {
    match message.split_once(" field `").and_then(|(_, rest)| rest.split_once('`')) {
        Some((name, _)) => name,
        None => path,
    }
}

/// Turns messages of the standard library into rules.
fn rule(message: &str, given: Option<&str>) -> String {
    let given = given.unwrap_or_default();
    match message {
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            format!("must be a whole number, got `{given}`")
        }
        "number too large to fit in target type" => format!("must be a smaller number, got `{given}`"),
        _ if message.starts_with("missing field") => "is required".to_owned(),
        _ if message.starts_with("duplicate field") => "must be given once".to_owned(),
        _ => format!("cannot be `{given}`: {message}"),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use uuid::Uuid;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Wanted {
        #[expect(dead_code, reason = "only parsed")]
        stream: String,
        limit: Option<u32>,
        #[expect(dead_code, reason = "only parsed")]
        user: Option<Uuid>,
    }

    fn complaint(query: &str) -> (String, String) {
        let error = serde_json::to_value(parse::<Wanted>(query).unwrap_err()).unwrap()["errors"][0].clone();
        (error["pointer"].as_str().unwrap().to_owned(), error["reason"].as_str().unwrap().to_owned())
    }

    #[test]
    fn a_mistake_names_its_parameter_and_the_rule() {
        for (query, name, rule) in [
            ("stream=s&limit=x", "limit", "must be a whole number, got `x`"),
            ("stream=s&limit=-1", "limit", "must be a whole number, got `-1`"),
            ("stream=s&limit=", "limit", "must be a whole number, got ``"),
            ("stream=s&limit=99999999999", "limit", "must be a smaller number, got `99999999999`"),
            ("limit=1", "stream", "is required"),
            ("stream=s&limit=1&limit=2", "limit", "must be given once"),
        ] {
            assert_eq!(complaint(query), (name.to_owned(), rule.to_owned()), "{query}");
        }
        let (name, rule) = complaint("stream=s&user=me");
        assert!(name == "user" && rule.starts_with("cannot be `me`: "), "{name} {rule}");
    }

    #[test]
    fn parameters_nobody_asked_for_are_ignored() {
        assert_eq!(parse::<Wanted>("stream=a%20b&limit=7&colour=red").unwrap().limit, Some(7));
    }
}
