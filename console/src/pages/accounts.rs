//! Accounts, OAuth clients and signing keys.

use actix_web::{HttpResponse, web::Query};
use askama::Template;
use serde::Deserialize;

use crate::{
    answer::page,
    api::{
        Page,
        accounts::{self, Account, Client, SigningKeys, UserSessions},
    },
    failure::Failure,
    frame::{Frame, Place},
    viewer::Admin,
};

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage {
    frame: Frame,
    accounts: Page<Account>,
    clients: Page<Client>,
    keys: SigningKeys,
    sessions: UserSessions,
}

#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    cursor: String,
}

pub async fn list(admin: Admin, wanted: Query<Wanted>) -> Result<HttpResponse, Failure> {
    let accounts = admin.read(accounts::list(&wanted.cursor)).await?;
    let clients = admin.read(accounts::clients()).await?;
    let keys = admin.read(accounts::signing_keys()).await?;
    let sessions = admin.read(accounts::sessions()).await?;
    let frame = admin.frame(Place::Accounts, "Accounts");
    page(AccountsPage { frame, accounts, clients, keys, sessions }.render())
}
