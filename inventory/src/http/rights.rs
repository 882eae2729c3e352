//! The roles and scopes of the calls.

use runtime::auth::{Allows, Role, Scope};

/// Customers, operators, and services with `products:read`.
pub(super) struct ProductReader;
/// Operators, and services with `products:read`.
pub(super) struct ChangeReader;
/// Operators, and services with `stock:write`.
pub(super) struct StockWriter;

impl Allows for ProductReader {
    const ROLES: &'static [Role] = &[Role::User, Role::Admin];
    const SCOPE: Option<Scope> = Some(Scope::ProductsRead);
}
impl Allows for ChangeReader {
    const ROLES: &'static [Role] = &[Role::Admin];
    const SCOPE: Option<Scope> = Some(Scope::ProductsRead);
}
impl Allows for StockWriter {
    const ROLES: &'static [Role] = &[Role::Admin];
    const SCOPE: Option<Scope> = Some(Scope::StockWrite);
}
