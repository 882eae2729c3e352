use runtime::{auth::AdminCheck, http::Problem, supervisor::Supervised};

use crate::actors::{Accounts, IsAdmin};

/// Reads the role of an ADMIN at each call: this service decides about roles, so that a demotion counts here at once.
pub(super) fn admin_check(accounts: Supervised<Accounts>) -> AdminCheck {
    AdminCheck::new(move |account| {
        let accounts = accounts.clone();
        Box::pin(async move { accounts.send(IsAdmin(account)).await?.map_err(Problem::from) })
    })
}
