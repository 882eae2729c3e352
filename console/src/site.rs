use actix_web::HttpRequest;

use crate::{
    api::{Api, Credentials},
    bulk::Jobs,
    live::Live,
    session::Sessions,
    verifier::Verifier,
};

/// What all handlers share.
pub struct Site {
    /// The path of the console at its proxy; empty without one.
    pub base: String,
    pub secure_cookie: bool,
    /// The page of a trace, with [`TRACE_ID`](crate::settings::TRACE_ID) in it; empty: none.
    pub trace_url: String,
    pub api: Api,
    pub sessions: Sessions,
    pub live: Live,
    pub jobs: Jobs,
    pub verifier: Option<Verifier>,
}

impl Site {
    /// Names the viewer to `user` before there is a token.
    pub fn anonymous(&self, request: &HttpRequest) -> Credentials {
        Credentials { token: None, forwarded_for: forwarded_for(request) }
    }
}

/// The addresses that the request passed, and the last of them: that of the peer.
pub fn forwarded_for(request: &HttpRequest) -> String {
    let lines = request.headers().get_all("x-forwarded-for").filter_map(|line| line.to_str().ok());
    let peer = request.peer_addr().map(|peer| peer.ip().to_string());
    lines.map(str::to_owned).chain(peer).collect::<Vec<_>>().join(", ")
}
