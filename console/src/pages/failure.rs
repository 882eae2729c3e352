use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    http::{Method, StatusCode, header},
    web::Data,
};
use askama::Template;

use crate::{
    answer::{here, page},
    failure::Failure,
    frame::{Frame, Place},
    site::Site,
    viewer::Viewer,
};

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    frame: Frame,
    failure: &'a Failure,
}

/// The page that says what went wrong. Without a login it is the login page, which leads back here.
pub fn failure(request: &HttpRequest, failure: &Failure) -> HttpResponse {
    let base = request.app_data::<Data<Site>>().map_or("", |site| site.base.as_str());
    if matches!(failure, Failure::LoginNeeded) {
        return to_login(request, base);
    }
    let title = failure.title();
    let frame = match Viewer::of(request) {
        Ok(viewer) => viewer.frame(Place::Elsewhere, title),
        Err(_) => Frame::anonymous(base, title),
    };
    match page(FailurePage { frame, failure }.render()) {
        Ok(mut response) => {
            *response.status_mut() = failure.status_code();
            response
        }
        Err(_) => HttpResponse::new(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

fn to_login(request: &HttpRequest, base: &str) -> HttpResponse {
    let wanted = if *request.method() == Method::GET { here(request, base) } else { "/".to_owned() };
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", &wanted).finish();
    let location = if wanted == "/" { format!("{base}/login") } else { format!("{base}/login?{query}") };
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}
