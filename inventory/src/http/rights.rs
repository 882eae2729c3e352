//! The roles and scopes of the calls.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::AUTHORIZATION, web::Data};
use futures_util::{
    TryFutureExt,
    future::{Either, MapOk},
};
use runtime::{
    auth::{Allows, Role, Scope, Token},
    http::Problem,
};

use super::Addresses;

/// Customers, operators, and services with `products:read`.
pub(super) struct ProductReader;
/// Operators, and services with `products:read`.
pub(super) struct ChangeReader;
/// Operators, and services with `stock:write`.
pub(super) struct StockWriter;

/// Also who sends no token, with `public-catalogue`. A token is checked wherever one is sent.
pub(super) struct CatalogueReader;

type Checked =
    MapOk<<Token<ProductReader> as FromRequest>::Future, fn(Token<ProductReader>) -> CatalogueReader>;

impl FromRequest for CatalogueReader {
    type Error = Problem;
    type Future = Either<Ready<Result<Self, Problem>>, Checked>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let is_public = request.app_data::<Data<Addresses>>().is_some_and(|data| data.public_catalogue);
        if is_public && !request.headers().contains_key(AUTHORIZATION) {
            return Either::Left(ready(Ok(Self)));
        }
        let token = Token::<ProductReader>::from_request(request, payload);
        Either::Right(token.map_ok((|_| Self) as fn(_) -> _))
    }
}

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
