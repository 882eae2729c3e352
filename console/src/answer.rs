use actix_web::{HttpRequest, HttpResponse, http::header};

use crate::failure::Failure;

/// Reports and hides what is wrong with a template.
pub fn page(rendered: askama::Result<String>) -> Result<HttpResponse, Failure> {
    let html = rendered.map_err(|error| {
        tracing::error!(%error, "a page cannot be made");
        Failure::Internal
    })?;
    Ok(HttpResponse::Ok().content_type("text/html; charset=utf-8").body(html))
}

/// After a change, so that a reload does not repeat it.
pub fn see(base: &str, path: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, format!("{base}{path}"))).finish()
}

/// A path of this console to come back to.
pub fn here(request: &HttpRequest, base: &str) -> String {
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    target.strip_prefix(base).filter(|path| path.starts_with('/')).unwrap_or("/").to_owned()
}
