//! Query parameters that no call takes are refused, by the OpenAPI document: what it does not name does not
//! exist.

use std::collections::HashMap;

use actix_web::{dev::ServiceRequest, http::Method, web::Data};
use serde_json::{Map, Value};

use super::{FieldError, Problem, known_routes::UNMATCHED};

/// The pages under them serve files to browsers.
const PAGES: [&str; 2] = ["/docs", "/shop/docs"];

/// The query parameters of each call.
pub(super) struct KnownParameters(HashMap<String, Vec<(Method, Vec<String>)>>);

impl KnownParameters {
    pub(super) fn of(document: &Value) -> Self {
        let paths = document["paths"].as_object().into_iter().flatten();
        let calls = |item: &Value| item.as_object().map(calls).unwrap_or_default();
        Self(paths.map(|(path, item)| (path.clone(), calls(item))).collect())
    }

    /// 400 for a parameter that the call does not take. A path outside of the document takes none.
    fn check(&self, route: &str, method: &Method, query: &str) -> Result<(), Problem> {
        let known = match self.0.get(route) {
            None => &[],
            Some(calls) => match calls.iter().find(|(of, _)| of == method) {
                Some((_, names)) => names.as_slice(),
                None => return Ok(()), // a 405
            },
        };
        let unknown = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
        let unknown = unknown.filter(|name| !known.iter().any(|known| known == name));
        let mistakes: Vec<FieldError> = unknown.map(|name| mistake(&name, known)).collect();
        if mistakes.is_empty() { Ok(()) } else { Err(Problem::invalid(mistakes)) }
    }
}

/// Checks the query of `request`, if it has one.
pub(super) fn check(request: &ServiceRequest, route: &str) -> Result<(), Problem> {
    let query = request.query_string();
    if query.is_empty() || route == UNMATCHED || PAGES.iter().any(|page| route.starts_with(page)) {
        return Ok(());
    }
    match request.app_data::<Data<KnownParameters>>() {
        Some(known) => known.check(route, request.method(), query),
        None => Ok(()),
    }
}

fn calls(item: &Map<String, Value>) -> Vec<(Method, Vec<String>)> {
    let call = |(name, operation): (&String, &Value)| {
        operation["responses"].is_object().then_some(())?;
        Some((name.to_uppercase().parse().ok()?, query_parameters(operation)))
    };
    item.iter().filter_map(call).collect()
}

fn query_parameters(operation: &Value) -> Vec<String> {
    let all = operation["parameters"].as_array().into_iter().flatten();
    let in_query = all.filter(|parameter| parameter["in"] == "query");
    in_query.filter_map(|parameter| parameter["name"].as_str().map(str::to_owned)).collect()
}

fn mistake(name: &str, known: &[String]) -> FieldError {
    let name = if name.is_empty() { "?" } else { name };
    let known = if known.is_empty() { "no parameters".to_owned() } else { known.join(", ") };
    FieldError::new(name, format!("is unknown: this call takes {known}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn known() -> KnownParameters {
        let parameters = json!([
            {"name": "limit", "in": "query"}, {"name": "cursor", "in": "query"},
            {"name": "If-None-Match", "in": "header"}]);
        let list = json!({"parameters": parameters, "responses": {}});
        let item = json!({"summary": "Products", "get": list, "post": {"responses": {}}});
        KnownParameters::of(&json!({"paths": {"/products": item}}))
    }

    #[test]
    fn an_unknown_parameter_is_named_with_those_that_the_call_takes() {
        let refused = |route: &str, method, query: &str| {
            let problem = known().check(route, &method, query).err()?;
            Some(serde_json::to_value(problem).ok()?["detail"].as_str()?.to_owned())
        };
        for query in ["limit=1&cursor=x", "limit=1&limit=2", "", "&"] {
            assert_eq!(refused("/products", Method::GET, query), None, "{query}");
        }
        let rule = "colour: is unknown: this call takes limit, cursor";
        assert_eq!(refused("/products", Method::GET, "limit=1&colour=red").as_deref(), Some(rule));
        let rule = "Limit: is unknown: this call takes limit, cursor";
        assert_eq!(refused("/products", Method::GET, "Limit=1").as_deref(), Some(rule));
        for (route, method) in [("/products", Method::POST), ("/livez", Method::GET)] {
            let rule = "limit: is unknown: this call takes no parameters";
            assert_eq!(refused(route, method, "limit=1").as_deref(), Some(rule), "{route}");
        }
        assert_eq!(refused("/products", Method::DELETE, "limit=1"), None, "its 405 says more");
    }
}
