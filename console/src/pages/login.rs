//! Logging in and out. The login form has no session yet: a cookie of its own proves that it comes from here.

use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::header,
    web::{Bytes, Data, Query},
};
use askama::Template;
use serde::Deserialize;

use crate::{
    answer::{page, see},
    api::{Credentials, login},
    failure::Failure,
    frame::Frame,
    session::{Session, is_equal, random_id},
    site::Site,
    viewer::{COOKIE, Change, Nothing, Viewer, cookie, form},
};

const FORM_COOKIE: &str = "orderflow-login";

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage<'a> {
    frame: Frame,
    next: &'a str,
    email: &'a str,
    failure: Option<&'a Failure>,
}

#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct LoginForm {
    email: String,
    password: String,
    next: String,
}

pub async fn show(
    request: HttpRequest,
    site: Data<Site>,
    wanted: Query<Wanted>,
) -> Result<HttpResponse, Failure> {
    if Viewer::of(&request).is_ok() {
        return Ok(see(&site.base, "/"));
    }
    login_page(&site, &wanted.next, "", None)
}

pub async fn log_in(request: HttpRequest, site: Data<Site>, body: Bytes) -> Result<HttpResponse, Failure> {
    let shown = form_urlencoded::parse(&body).find(|(name, _)| name == "csrf");
    let known = cookie(&request, FORM_COOKIE).zip(shown.as_ref());
    if !known.is_some_and(|(cookie, (_, shown))| cookie.len() == 64 && is_equal(cookie, shown)) {
        return Err(Failure::ForeignForm);
    }
    let LoginForm { email, password, next } = form(&body)?;
    let of = site.anonymous(&request);
    match begin(&site, &of, &email, &password).await {
        Ok(id) => {
            let mut response = see(&site.base, own_path(&next));
            set_cookie(&mut response, &site, COOKIE, &id)?;
            Ok(response)
        }
        Err(failure) => login_page(&site, &next, &email, Some(&failure)),
    }
}

/// Ends the session here at any rate.
pub async fn log_out(change: Change<Nothing>) -> Result<HttpResponse, Failure> {
    let Change { viewer, .. } = change;
    viewer.site.sessions.end(&viewer.cookie);
    let of = Credentials { token: None, forwarded_for: viewer.forwarded_for.clone() };
    viewer.session.log_out(&viewer.api, &of).await?;
    Ok(see(&viewer.site.base, "/login"))
}

/// Returns the value of the cookie.
async fn begin(site: &Site, of: &Credentials, email: &str, password: &str) -> Result<String, Failure> {
    let tokens = site.api.read(&login::log_in(email, password), of).await?;
    let of = Credentials { token: Some(tokens.access_token.clone()), ..of.clone() };
    let account = site.api.read(&login::own_account(), &of).await?;
    Ok(site.sessions.begin(Session::new(account, tokens)))
}

fn login_page(
    site: &Site,
    next: &str,
    email: &str,
    failure: Option<&Failure>,
) -> Result<HttpResponse, Failure> {
    let proof = random_id();
    let frame = Frame { csrf: proof.clone(), ..Frame::anonymous(&site.base, "Log in") };
    let mut response = page(LoginPage { frame, next, email, failure }.render())?;
    if let Some(failure) = failure {
        *response.status_mut() = failure.status_code();
    }
    set_cookie(&mut response, site, FORM_COOKIE, &proof)?;
    Ok(response)
}

/// A path of this console, and never the address of another host.
fn own_path(next: &str) -> &str {
    let is_path = next.starts_with('/') && !next.starts_with("//");
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_path && is_plain { next } else { "/" }
}

/// Ends with the browser. No script reads it, and no other site makes a browser send it.
fn set_cookie(response: &mut HttpResponse, site: &Site, name: &str, value: &str) -> Result<(), Failure> {
    let secure = if site.secure_cookie { "; Secure" } else { "" };
    let path = if site.base.is_empty() { "/" } else { &site.base };
    let cookie = format!("{name}={value}; Path={path}; HttpOnly; SameSite=Strict{secure}");
    let value = cookie.parse().map_err(|_| Failure::Internal)?;
    response.headers_mut().append(header::SET_COOKIE, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_no_other_host() {
        assert_eq!(own_path("/orders?status=pending"), "/orders?status=pending");
        for elsewhere in ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nb", ""] {
            assert_eq!(own_path(elsewhere), "/", "{elsewhere}");
        }
    }
}
