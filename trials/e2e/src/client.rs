use ctl::api::http_client;
use ctl::stack::Kind;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{HttpResponse, SOON, eventually};

/// Keeps the addresses over restarts of the services.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    urls: [String; 3],
    token: Option<String>,
}

impl Client {
    pub fn new(urls: [String; 3]) -> Self {
        let http = http_client().timeout(SOON).build().expect("a client");
        Self { http, urls, token: None }
    }

    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    pub fn anonymous(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    /// The same caller at another instance.
    pub fn at(&self, kind: Kind, url: String) -> Self {
        let mut other = self.clone();
        other.urls[position(kind)] = url;
        other
    }

    pub async fn log_in(&self, email: &str, password: &str) -> Self {
        let answer = self
            .anonymous()
            .post(Kind::User, "/auth/login", &json!({"email": email, "password": password}))
            .await;
        self.with_token(answer.expect(200)["access_token"].as_str().expect("a token"))
    }

    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    pub fn request(&self, method: Method, kind: Kind, path: &str) -> RequestBuilder {
        let url = &self.urls[position(kind)];
        let request = self.http.request(method, format!("{url}{path}"));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Asks again while the service cannot answer, as callers should.
    pub async fn get(&self, kind: Kind, path: &str) -> HttpResponse {
        patiently(&BUSY, async || self.get_once(kind, path).await).await
    }

    pub async fn get_once(&self, kind: Kind, path: &str) -> HttpResponse {
        send(self.request(Method::GET, kind, path)).await.expect("an answer")
    }

    pub async fn post(&self, kind: Kind, path: &str, body: &Value) -> HttpResponse {
        send(self.request(Method::POST, kind, path).json(body)).await.expect("an answer")
    }

    /// Reads page by page.
    pub async fn all(&self, kind: Kind, path: &str, limit: usize) -> Vec<Value> {
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let page = self.get(kind, &format!("{path}{joint}limit={limit}{cursor}")).await.expect(200);
            let data = page["data"].as_array().expect("data");
            assert!(data.len() <= limit, "{page}");
            found.extend(data.iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => {
                    assert_eq!(page["has_more"], false);
                    return found;
                }
            }
        }
    }
}

/// The codes of a service that has waited for too long.
pub const BUSY: [&str; 4] =
    ["database-unavailable", "deadline-exceeded", "backend-unavailable", "actor-restarting"];

/// Asks again while the answer is a 503 with one of the codes.
pub async fn patiently(codes: &[&str], ask: impl AsyncFn() -> HttpResponse) -> HttpResponse {
    let look = async || {
        let answer = ask().await;
        let text = answer.text();
        let again = answer.status == 503 && codes.iter().any(|code| text.contains(code));
        if again { Err(text) } else { Ok(answer) }
    };
    eventually("the service answers", SOON, look).await
}

fn position(kind: Kind) -> usize {
    match kind {
        Kind::User => 0,
        Kind::Inventory => 1,
        Kind::Payment => 2,
    }
}

/// An error is one of the transport.
pub async fn send(request: RequestBuilder) -> reqwest::Result<HttpResponse> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    Ok(HttpResponse { status, headers, body: response.bytes().await?.to_vec() })
}
