//! `/problems` and `/problems/{code}`: the pages that `type` of a problem names.

use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Path, ServiceConfig},
};

use super::{CODES, Code, Problem};

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/problems").get(async || text(list())))
        .service(web::resource("/problems/{code}").get(show));
}

async fn show(name: Path<String>) -> Result<HttpResponse, Problem> {
    let code = Code::find(&name).ok_or_else(|| Problem::absent("code"))?;
    Ok(text(format!("{} ({})\n\n{}\n\n{}\n", code.name, code.status, code.meaning, code.way_out)))
}

fn text(page: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .body(page)
}

/// The text of `docs/problems.md`.
fn list() -> String {
    let mut page = INTRODUCTION.to_owned();
    for Code { name, status, meaning, way_out } in CODES {
        page.push_str(&format!("| {status} | <a id=\"{name}\"></a>`{name}` | {meaning} | {way_out} |\n"));
    }
    page
}

const INTRODUCTION: &str = "\
# Problem codes

Each error is `application/problem+json` (RFC 9457). `code` is stable: programs decide by it. `detail` is for
people, and its words change. `type` is the address of the code's page, such as `/problems/sku-taken`: each
service and the proxy serve it. Errors of `/oauth` have the form of RFC 6749 instead.

| status | code | meaning | way out |
| --- | --- | --- | --- |
";

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn the_page_of_the_documents_is_made_of_the_codes() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/problems.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, list()).unwrap();
        }
        let way_out = "UPDATE_DOCS=1 cargo test -p runtime --lib problem_pages rewrites docs/problems.md";
        assert_eq!(fs::read_to_string(&path).unwrap_or_default(), list(), "{way_out}");
    }

    #[test]
    fn a_code_occurs_once_and_is_kebab_case() {
        for (at, code) in CODES.iter().enumerate() {
            assert!(code.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{}", code.name);
            assert!(CODES[at + 1..].iter().all(|other| other.name != code.name), "{}", code.name);
            assert!(
                CODES.get(at + 1).is_none_or(|next| next.status >= code.status),
                "{} by status",
                code.name
            );
        }
    }
}
