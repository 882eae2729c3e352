//! Who asks. Handlers take a `Viewer`, an `Admin`, or a `Change` for whatever is not a GET.

use std::{
    future::{Future, Ready, ready},
    ops::Deref,
    pin::Pin,
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header,
    web::{Bytes, Data},
};
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    failure::Failure,
    frame::{Frame, Place},
    session::{Caller, is_equal},
    site::{Site, forwarded_for},
};

pub const COOKIE: &str = "orderflow-console";

/// Somebody who is logged in.
pub struct Viewer {
    pub site: Data<Site>,
    pub cookie: String,
    caller: Caller,
}

/// With the role ADMIN. The services check it too, for each call.
pub struct Admin(Viewer);

/// A form that comes from a page of this viewer.
pub struct Change<T> {
    pub viewer: Viewer,
    pub form: T,
}

/// A form with nothing but a button.
#[derive(Deserialize)]
pub struct Nothing {}

impl Viewer {
    pub fn of(request: &HttpRequest) -> Result<Self, Failure> {
        let site = request.app_data::<Data<Site>>().ok_or(Failure::Internal)?.clone();
        let cookie = cookie(request, COOKIE).ok_or(Failure::LoginNeeded)?.to_owned();
        let session = site.sessions.find(&cookie).ok_or(Failure::LoginNeeded)?;
        let caller = Caller { api: site.api.clone(), session, forwarded_for: forwarded_for(request) };
        Ok(Self { site, cookie, caller })
    }

    pub fn frame(&self, here: Place, title: impl Into<String>) -> Frame {
        Frame {
            base: self.site.base.clone(),
            title: title.into(),
            here,
            account: Some(self.session.account()),
            csrf: self.session.csrf.clone(),
            notice: self.session.take_notice(),
        }
    }

    /// For work that outlives the request.
    pub fn caller(&self) -> Caller {
        self.caller.clone()
    }

    pub fn is_admin(&self) -> bool {
        self.session.account().is_admin()
    }

    pub fn into_admin(self) -> Result<Admin, Failure> {
        if self.is_admin() { Ok(Admin(self)) } else { Err(Failure::AdminsOnly) }
    }
}

impl Admin {
    pub fn into_viewer(self) -> Viewer {
        self.0
    }
}

impl Deref for Viewer {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl Deref for Admin {
    type Target = Viewer;

    fn deref(&self) -> &Viewer {
        &self.0
    }
}

impl FromRequest for Viewer {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl FromRequest for Admin {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Viewer::of(request).and_then(Viewer::into_admin))
    }
}

impl<T: DeserializeOwned> FromRequest for Change<T> {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let viewer = Viewer::of(request);
        let body = Bytes::from_request(request, payload);
        Box::pin(async move {
            let viewer = viewer?;
            let body = body.await.map_err(|error| Failure::Malformed(error.to_string()))?;
            let csrf = form_urlencoded::parse(&body).find(|(name, _)| name == "csrf");
            if !csrf.is_some_and(|(_, shown)| is_equal(&shown, &viewer.session.csrf)) {
                return Err(Failure::ForeignForm);
            }
            Ok(Self { viewer, form: form(&body)? })
        })
    }
}

pub fn form<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    serde_urlencoded::from_bytes(body).map_err(|error| Failure::Malformed(error.to_string()))
}

pub fn cookie<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let lines = request.headers().get_all(header::COOKIE).filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(found, value)| (found == name).then_some(value))
}
