//! `/openapi.json`, and pages that show a document.

use actix_web::{
    HttpResponse,
    http::header::{self, ContentType},
    middleware::DefaultHeaders,
    web::{self, Bytes, ServiceConfig},
};
use utoipa_swagger_ui::{Config, SwaggerUi};

const OPENAPI: &str = "/openapi.json";

/// A page runs its own scripts only; its style sheet holds pictures.
const PAGE_POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
                           form-action 'none'; frame-ancestors 'none'";

/// Shared text: `SwaggerUi` would keep a megabyte per thread.
pub(super) fn routes(openapi: Bytes) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        let document = move || {
            let openapi = openapi.clone();
            async move { HttpResponse::Ok().content_type(ContentType::json()).body(openapi) }
        };
        config.service(web::resource(OPENAPI).get(document)).configure(docs_page("/docs", OPENAPI));
    }
}

/// A page at `path` for the document at `document`, offline. It keeps the reader's token, and asks no other
/// site to judge the document.
pub fn docs_page(path: &'static str, document: &'static str) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        let options = Config::new([document]).use_base_layout();
        let options = options.persist_authorization(true).validator_url("none");
        let policy = DefaultHeaders::new().add((header::CONTENT_SECURITY_POLICY, PAGE_POLICY));
        let page = SwaggerUi::new("/{_:.*}").config(options);
        config
            .service(web::redirect(path, format!("{path}/")))
            .service(web::scope(path).wrap(policy).service(page));
    }
}
