//! For the comparison of catalogue copies.

use actix_web::{HttpResponse, web::Data};
use runtime::{
    auth::Token,
    http::{Problem, Query, number},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    Addresses,
    bodies::{ChangedProductBody, ChangesPage},
    rights::ChangeReader,
};
use crate::{actors::ListChanges, domain::ProductChange};

/// Maximum and default: about 100 KiB.
const LARGEST_LIMIT: u32 = 500;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ChangesQuery {
    /// `next` of the previous page; 0 for the first.
    #[serde(default, deserialize_with = "number::<0, { i64::MAX }, _, _>")]
    #[param(default = 0, minimum = 0)]
    after: Option<i64>,
    /// Products on the page, 1 to 500.
    #[param(default = 500, minimum = 1, maximum = 500)]
    #[serde(default, deserialize_with = "number::<1, 500, _, _>")]
    limit: Option<u32>,
}

/// Lists products by their last change, deleted ones included.
#[utoipa::path(get, path = "/products/changes", tag = "products", operation_id = "listProductChanges",
    params(ChangesQuery), security(("bearer" = ["ADMIN"]), ("bearer" = ["products:read"])),
    responses((status = 200, description = "Changes after `after`, oldest first.", body = ChangesPage)))]
pub(super) async fn list(
    _: Token<ChangeReader>,
    addresses: Data<Addresses>,
    query: Query<ChangesQuery>,
) -> Result<HttpResponse, Problem> {
    let after = query.after.unwrap_or_default();
    let limit = query.limit.unwrap_or(LARGEST_LIMIT);
    let found = addresses.desk.send(ListChanges { after, limit }).await??;
    Ok(HttpResponse::Ok().json(page(found, after, limit)))
}

fn page(found: Vec<ProductChange>, after: i64, limit: u32) -> ChangesPage {
    let final_changes = found.iter().take_while(|product| product.is_final);
    let next = final_changes.last().map_or(after, |product| product.change);
    let has_more = found.len() == limit as usize && found.last().is_some_and(|last| last.change == next);
    ChangesPage { data: found.into_iter().map(ChangedProductBody::from).collect(), next, has_more }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::{ProductChange, ProductRecord, Sku};

    fn change(change: i64, is_final: bool) -> ProductChange {
        let record = ProductRecord {
            sku: Sku::stored("A"),
            name: "A".to_owned(),
            description: String::new(),
            price: 1,
            currency: "EUR".to_owned(),
            version: 1,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            deleted: false,
        };
        ProductChange { record, change, is_final }
    }

    #[test]
    fn the_next_page_begins_before_a_change_that_another_one_may_still_come_before() {
        let page = page(vec![change(5, true), change(7, false), change(8, true)], 3, 3);
        assert_eq!((page.data.len(), page.next, page.has_more), (3, 5, false));
    }

    #[test]
    fn there_is_more_after_a_page_that_is_full() {
        let full = page(vec![change(5, true), change(7, true)], 3, 2);
        assert_eq!((full.next, full.has_more), (7, true));
        let empty = page(Vec::new(), 3, 2);
        assert_eq!((empty.next, empty.has_more), (3, false));
    }
}
