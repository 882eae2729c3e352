//! The description of the whole shop. This service serves it: a reader gets his token here.

use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig},
};
use runtime::http::docs_page;

const PATH: &str = "/openapi.yaml";
const DOCUMENT: &str = include_str!("../../../docs/openapi.yaml");

pub(super) fn routes(config: &mut ServiceConfig) {
    let show = async || HttpResponse::Ok().content_type("application/yaml").body(DOCUMENT);
    config.service(web::resource(PATH).get(show)).configure(docs_page("/shop/docs", PATH));
}
