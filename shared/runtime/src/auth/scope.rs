use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A permission of a SERVICE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum Scope {
    /// Reads all products.
    #[serde(rename = "products:read")]
    ProductsRead,
    /// Adds and takes stock.
    #[serde(rename = "stock:write")]
    StockWrite,
    /// Reads the orders of all users.
    #[serde(rename = "orders:read")]
    OrdersRead,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 3] = [Self::ProductsRead, Self::StockWrite, Self::OrdersRead];

    /// The scope in tokens.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ProductsRead => "products:read",
            Self::StockWrite => "stock:write",
            Self::OrdersRead => "orders:read",
        }
    }

    /// The scope called `name`.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    /// Whether the claim `scope` of a token, a list separated by spaces (RFC 8693), has this scope.
    pub(super) fn is_in(self, claim: Option<&str>) -> bool {
        claim.is_some_and(|claim| claim.split(' ').any(|name| name == self.as_str()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_a_whole_word_of_the_claim() {
        let is_in = |claim| Scope::ProductsRead.is_in(claim);
        assert!(is_in(Some("products:read")) && is_in(Some("orders:read products:read")));
        for other in [None, Some(""), Some("orders:read"), Some("products:readers"), Some("Products:read")] {
            assert!(!is_in(other), "{other:?}");
        }
    }

    #[test]
    fn the_name_in_json_is_that_in_tokens() {
        for scope in Scope::ALL {
            assert_eq!(serde_json::to_value(scope).unwrap(), scope.as_str());
            assert_eq!(Scope::parse(scope.as_str()), Some(scope));
        }
    }
}
