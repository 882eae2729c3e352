//! The console, as a browser without scripts uses it. A module has one page or a few.

mod accounts;
mod dead_letters;
mod faults;
mod login;
mod products;
mod shop;

use std::{collections::BTreeMap, process::Stdio, time::Instant};

use ctl::{api::http_client, stack::Kind, state::Login};
use e2e::{HttpResponse, SOON, Shop, eventually, send, service_binaries};
use reqwest::{Method, RequestBuilder, redirect::Policy};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

/// As behind a proxy.
const BASE: &str = "/console";

pub(crate) struct Console {
    origin: String,
    _program: Child,
}

pub(crate) struct Browser {
    http: reqwest::Client,
    origin: String,
    cookies: BTreeMap<String, String>,
    /// Of the last page.
    csrf: String,
}

impl Console {
    async fn start(shop: &Shop) -> Self {
        Self::start_with(shop, &[]).await
    }

    pub(crate) async fn start_with(shop: &Shop, arguments: &[&str]) -> Self {
        let mut command = Command::new(service_binaries().join("console"));
        command.args(["--bind", "127.0.0.1:0", "--base-path", BASE]).args(arguments);
        for kind in Kind::ALL {
            command.arg(format!("--{kind}-url")).arg(shop.stack.first(kind).expect("it runs").url());
        }
        let mut program = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("it starts");
        let mut lines = BufReader::new(program.stdout.take().expect("a pipe")).lines();
        loop {
            let line = lines.next_line().await.expect("readable").expect("its address, before it ends");
            if let Some((_, url)) = line.split_once("the console is at ") {
                let origin = url.trim_end_matches('/').trim_end_matches(BASE).to_owned();
                return Self { origin, _program: program };
            }
        }
    }

    fn browser(&self) -> Browser {
        let http = http_client().redirect(Policy::none()).timeout(SOON).build().expect("a client");
        Browser { http, origin: self.origin.clone(), cookies: BTreeMap::new(), csrf: String::new() }
    }

    pub(crate) async fn logged_in(&self, login: &Login) -> Browser {
        let mut browser = self.browser();
        browser.get("/login").await;
        let answer = browser.log_in(login).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/console/"), "{}", answer.text());
        browser
    }
}

impl Browser {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = self.http.request(method, format!("{}{BASE}{path}", self.origin));
        request.header("Cookie", cookies.join("; "))
    }

    fn form(&self, path: &str, csrf: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", csrf).extend_pairs(fields);
        let request = self.request(Method::POST, path);
        request.header("Content-Type", "application/x-www-form-urlencoded").body(form.finish())
    }

    async fn send(&mut self, request: RequestBuilder) -> HttpResponse {
        let answer = send(request).await.expect("an answer");
        for line in answer.headers.get_all("set-cookie") {
            let line = line.to_str().expect("text");
            assert!(
                line.contains("; HttpOnly; SameSite=Strict") && line.contains("; Path=/console;"),
                "{line}"
            );
            let (name, value) =
                line.split(';').next().and_then(|pair| pair.split_once('=')).expect("a cookie");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'") && !policy.contains("unsafe"));
        let text = answer.text();
        assert!(!text.contains(" style=") && !text.contains("<script>"), "inline code: {text}");
        if let Some((_, rest)) = text.split_once("name=\"csrf\" value=\"") {
            self.csrf = rest.split('"').next().expect("a value").to_owned();
        }
        answer
    }

    async fn get(&mut self, path: &str) -> HttpResponse {
        let request = self.request(Method::GET, path);
        self.send(request).await
    }

    /// Shows the page.
    pub(crate) async fn page(&mut self, path: &str) -> String {
        let deadline = Instant::now() + SOON;
        loop {
            let answer = self.get(path).await;
            // A service has answered too late.
            if matches!(answer.status, 502 | 503) && Instant::now() < deadline {
                continue;
            }
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            return answer.text();
        }
    }

    /// Shows the page again until it has all of these.
    pub(crate) async fn page_with(&mut self, path: &str, shown: &[&str]) -> String {
        let look = async || {
            let page = self.page(path).await;
            if shown.iter().all(|text| page.contains(text)) { Ok(page) } else { Err(page) }
        };
        eventually("the page shows it", SOON, look).await
    }

    async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> HttpResponse {
        let request = self.form(path, &self.csrf, fields);
        self.send(request).await
    }

    async fn log_in(&mut self, login: &Login) -> HttpResponse {
        let (email, password) = (login.email.as_str(), login.password.as_str());
        let fields = [("email", email), ("password", password), ("next", "/")];
        self.submit("/login", &fields).await
    }
}

fn customer() -> Login {
    Login { email: "user@example.com".to_owned(), password: "correct horse battery staple".to_owned() }
}
