use std::ops::Deref;

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use futures_util::future::{Ready, ready};
use serde::de::DeserializeOwned;

use super::{FieldError, Problem, rule};

/// Query parameters. A mistake names its parameter. The edge refuses unknown ones before.
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
    let unreadable =
        form_urlencoded::parse(query.as_bytes()).find(|(_, text)| text.contains(char::is_control));
    if let Some((name, _)) = unreadable {
        return Err(Problem::invalid(vec![FieldError::new(name, "must hold no control characters")]));
    }
    let parameters = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
    serde_path_to_error::deserialize(parameters).map_err(|error| {
        let path = error.path().to_string();
        let message = error.inner().to_string();
        let name = name(&path, &message);
        let given = form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned());
        Problem::invalid(vec![FieldError::new(
            name,
            rule::of_text(&message, given.as_deref().unwrap_or_default()),
        )])
    })
}

/// Only the message names a missing or repeated parameter.
fn name<'a>(path: &'a str, message: &'a str) -> &'a str {
    match message.split_once(" field `").and_then(|(_, rest)| rest.split_once('`')) {
        Some((name, _)) => name,
        None => path,
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
        #[serde(default, deserialize_with = "super::super::number::<1, 100, _, _>")]
        limit: Option<u32>,
        #[expect(dead_code, reason = "only parsed")]
        depth: Option<u8>,
        #[expect(dead_code, reason = "only parsed")]
        #[serde(default, deserialize_with = "super::super::time")]
        since: Option<jiff::Timestamp>,
        #[expect(dead_code, reason = "only parsed")]
        state: Option<State>,
        #[expect(dead_code, reason = "only parsed")]
        all: Option<bool>,
        #[expect(dead_code, reason = "only parsed")]
        user: Option<Uuid>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum State {
        First,
        Second,
    }

    fn complaint(query: &str) -> (String, String) {
        let error = serde_json::to_value(parse::<Wanted>(query).unwrap_err()).unwrap()["errors"][0].clone();
        (error["pointer"].as_str().unwrap().to_owned(), error["reason"].as_str().unwrap().to_owned())
    }

    #[test]
    fn a_mistake_names_its_parameter_and_the_rule_in_plain_words() {
        for (query, name, rule) in [
            ("stream=s&limit=x", "limit", "must be a whole number from 1 to 100, got `x`"),
            ("stream=s&limit=0", "limit", "must be a whole number from 1 to 100, got `0`"),
            ("stream=s&limit=", "limit", "must be a whole number from 1 to 100, got ``"),
            (
                "stream=s&limit=99999999999999999999",
                "limit",
                "must be a whole number from 1 to 100, got `99999999999999999999`",
            ),
            ("stream=s&depth=x", "depth", "must be a whole number, got `x`"),
            ("stream=s&depth=-1", "depth", "must not be negative, got -1"),
            ("stream=s&depth=300", "depth", "must be a smaller number, got 300"),
            ("limit=1", "stream", "is required"),
            ("stream=s&limit=1&limit=2", "limit", "must be given once"),
            ("stream=s&user=me", "user", "must be a UUID, got `me`"),
            ("stream=s&since=now", "since", "must be a time such as 2026-11-30T12:00:00Z, got `now`"),
            ("stream=s&state=c", "state", "must be one of first, second, got `c`"),
            ("stream=%00", "stream", "must hold no control characters"),
            ("stream=s&all=1", "all", "must be true or false, got `1`"),
        ] {
            assert_eq!(complaint(query), (name.to_owned(), rule.to_owned()), "{query}");
        }
        assert_eq!(parse::<Wanted>("stream=a%20b&limit=7").unwrap().limit, Some(7));
    }
}
