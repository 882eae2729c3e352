use runtime::{
    db::DatabaseSettings,
    settings::{Production, Secret, Source, Value},
};

use crate::domain::{Email, Password};

#[derive(Debug, Clone)]
pub struct NewAdmin {
    pub email: Email,
    pub password: Password,
}

#[derive(Debug, Clone)]
pub struct AdminSettings {
    pub database: DatabaseSettings,
    pub admin: NewAdmin,
}

impl AdminSettings {
    pub(super) fn read(source: &mut Source) -> Self {
        let email: Email = source.required("email", "admin@example.com", "e-mail of the ADMIN");
        let password: Password = source.required(
            "admin-password",
            "a long and secret one",
            "new password of the ADMIN; set ADMIN_PASSWORD rather than the flag",
        );
        if let Err(weak) = Password::unless_weak(password.clone(), &email) {
            source.check("admin-password", false, &weak.to_string());
        }
        let production = Production::read(source);
        production.check_secret(source, "admin-password", Some(password.expose()));
        let database = DatabaseSettings::read(source);
        production.check_database(source, &database.url);
        Self { database, admin: NewAdmin { email, password } }
    }
}

/// Both or neither. Empty variables, as in Compose files, count as absent.
pub(super) fn first_admin(source: &mut Source, production: Production) -> Option<NewAdmin> {
    let email: Option<String> =
        source.optional("admin-email", "e-mail of an ADMIN to create at start, unless the account exists");
    let password: Option<Secret> =
        source.optional("admin-password", "password of the ADMIN created at start");
    let email = email.filter(|email| !email.is_empty());
    let password = password.filter(|password| !password.expose().is_empty());
    source.check("admin-email", email.is_some() || password.is_none(), "is missing: admin-password is given");
    source.check("admin-password", password.is_some() || email.is_none(), "is missing: admin-email is given");
    if let Some(password) = &password {
        production.check_secret(source, "admin-password", Some(password.expose()));
    }
    let email = email.and_then(|text| checked(source, "admin-email", &text));
    let password = password.and_then(|text| checked(source, "admin-password", text.expose()));
    new_admin(source, email?, password?)
}

/// The password of an ADMIN may not be weak.
fn new_admin(source: &mut Source, email: Email, password: Password) -> Option<NewAdmin> {
    match password.unless_weak(&email) {
        Ok(password) => Some(NewAdmin { email, password }),
        Err(weak) => {
            source.check("admin-password", false, &weak.to_string());
            None
        }
    }
}

fn checked<T: Value>(source: &mut Source, name: &str, text: &str) -> Option<T> {
    T::parse(text).map_err(|problem| source.check(name, false, &problem)).ok()
}

impl Value for Email {
    fn parse(text: &str) -> Result<Self, String> {
        Email::parse(text).map_err(|error| error.to_string())
    }
}

impl Value for Password {
    fn parse(text: &str) -> Result<Self, String> {
        Password::parse(text).map_err(|error| error.to_string())
    }
}
