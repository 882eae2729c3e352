use std::{collections::BTreeMap, fmt, sync::Arc};

use aws_lc_rs::{constant_time, digest};
use runtime::settings::Value;
use uuid::{Builder, Uuid};

/// 16 of 62 characters are 95 bits.
const SHORTEST_SECRET: usize = 16;

/// Digests of the secrets, by client id.
#[derive(Clone, Default)]
pub struct ServiceClients(Arc<BTreeMap<String, [u8; 32]>>);

impl ServiceClients {
    /// Compares in constant time.
    pub fn authenticate(&self, client_id: &str, secret: &str) -> Option<Uuid> {
        // No secret has this digest.
        let expected = self.0.get(client_id).copied().unwrap_or_default();
        let same = constant_time::verify_slices_are_equal(&expected, &sha256(secret)).is_ok();
        same.then(|| stable_id(client_id))
    }

    pub fn contains_secret(&self, secret: &str) -> bool {
        self.0.values().any(|digest| *digest == sha256(secret))
    }
}

/// The same `sub` in every token and after restarts. Version 8: an own rule.
fn stable_id(client_id: &str) -> Uuid {
    let digest = sha256(&format!("orderflow service client {client_id}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

fn sha256(text: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    bytes
}

/// Parses `payment:SECRET,reports:SECRET`. Messages name clients only: the text holds secrets.
impl Value for ServiceClients {
    fn parse(text: &str) -> Result<Self, String> {
        let mut clients = BTreeMap::new();
        for (index, entry) in
            text.split(',').map(str::trim).enumerate().filter(|(_, entry)| !entry.is_empty())
        {
            let (name, secret) = entry
                .split_once(':')
                .ok_or_else(|| format!("client {} is not of the form name:secret", index + 1))?;
            if !is_name(name) {
                return Err(format!(
                    "the name of client {} must have 1 to 64 characters of a-z, 0-9 and -",
                    index + 1
                ));
            }
            if secret.chars().count() < SHORTEST_SECRET {
                return Err(format!(
                    "the secret of `{name}` must have at least {SHORTEST_SECRET} characters"
                ));
            }
            if clients.insert(name.to_owned(), sha256(secret)).is_some() {
                return Err(format!("`{name}` is given twice"));
            }
        }
        Ok(Self(Arc::new(clients)))
    }
}

fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

impl fmt::Debug for ServiceClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_known_by_its_secret_and_has_one_id_for_ever() {
        let clients = ServiceClients::parse("payment:0123456789abcdef, reports:fedcba:9876543210").unwrap();
        let payment = clients.authenticate("payment", "0123456789abcdef").unwrap();
        assert_eq!(payment.to_string(), "6f846574-da37-8245-979f-87ff36fd6ba8");
        assert!(clients.authenticate("reports", "fedcba:9876543210").is_some_and(|id| id != payment));
        for (client, secret) in
            [("payment", "fedcba:9876543210"), ("payment", ""), ("nobody", "0123456789abcdef"), ("", "")]
        {
            assert_eq!(clients.authenticate(client, secret), None, "{client}");
        }
        assert_eq!(ServiceClients::parse("").unwrap().authenticate("", ""), None);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        for wrong in ["hunter2", "payment:hunter2", "PAY:hunter2hunter2hunter2", ":hunter2hunter2hunter2"] {
            let error = ServiceClients::parse(wrong).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert!(ServiceClients::parse("a:0123456789abcdef,a:0123456789abcdef").is_err());
        let clients = ServiceClients::parse("payment:0123456789abcdef").unwrap();
        assert_eq!(format!("{clients:?}"), r#"{"payment"}"#);
    }
}
