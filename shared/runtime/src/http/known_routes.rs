//! The route of a path, by the OpenAPI document.
//!
//! The edge needs it before the router has matched. actix-web would match twice, with regular expressions: a
//! twelfth of what a GET costs.

use actix_web::{dev::ServiceRequest, web::Data};
use serde_json::Value;

/// The route of a path that has none.
pub(super) const UNMATCHED: &str = "unmatched";

/// The routes of the document, those without parameters first.
pub(super) struct KnownRoutes(Vec<Route>);

struct Route {
    /// As `/products/{sku}/stock`.
    name: String,
    /// The parts around its parameters: `/products/` and `/stock`.
    literals: Vec<String>,
}

impl KnownRoutes {
    pub(super) fn of(document: &Value) -> Self {
        let paths = document["paths"].as_object().into_iter().flatten();
        let mut routes: Vec<Route> = paths.map(|(path, _)| Route::new(path)).collect();
        routes.sort_by_key(|route| route.literals.len() > 1);
        Self(routes)
    }

    fn find(&self, path: &str) -> Option<&str> {
        self.0.iter().find(|route| route.matches(path)).map(|route| route.name.as_str())
    }
}

impl Route {
    fn new(name: &str) -> Self {
        let literals = name.split(['{', '}']).step_by(2);
        Self { name: name.to_owned(), literals: literals.map(str::to_owned).collect() }
    }

    fn matches(&self, path: &str) -> bool {
        let Some((first, others)) = self.literals.split_first() else { return false };
        let Some(mut rest) = path.strip_prefix(first.as_str()) else { return false };
        for literal in others {
            let given = rest.find('/').unwrap_or(rest.len());
            match rest[given..].strip_prefix(literal.as_str()) {
                Some(after) if given > 0 => rest = after,
                _ => return false,
            }
        }
        rest.is_empty()
    }
}

/// The route of `request`, as `/products/{sku}`.
pub(super) fn route_of(request: &ServiceRequest) -> String {
    let known = request.app_data::<Data<KnownRoutes>>();
    match known.and_then(|known| known.find(request.path())) {
        Some(route) => route.to_owned(),
        // Pages, and what is no route.
        None => request.match_pattern().unwrap_or_else(|| UNMATCHED.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_has_the_route_that_the_router_gives_it() {
        let paths = json!({"/products/{sku}": {}, "/products": {}, "/products/changes": {}, "/products/{sku}/stock": {}});
        let known = KnownRoutes::of(&json!({"paths": paths}));
        for (path, route) in [
            ("/products", Some("/products")),
            ("/products/changes", Some("/products/changes")),
            ("/products/MUG", Some("/products/{sku}")),
            ("/products/a%2Fb", Some("/products/{sku}")),
            ("/products/MUG/stock", Some("/products/{sku}/stock")),
            ("/products/", None),
            ("/products//stock", None),
            ("/products/MUG/stock/", None),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(known.find(path), route, "{path}");
        }
    }
}
