use std::{collections::BTreeMap, fmt, sync::Arc};

use runtime::settings::{Value, is_predictable};

use super::sha256;
use crate::domain::ClientId;

/// 32 hexadecimal digits are 128 bits: a plain hash protects them.
const SHORTEST_SECRET: usize = 32;

/// The clients of the settings: digests of the secrets by client id.
#[derive(Clone, Default)]
pub struct ServiceClients {
    digests: Arc<BTreeMap<ClientId, [u8; 32]>>,
    predictable: bool,
}

impl ServiceClients {
    pub fn iter(&self) -> impl Iterator<Item = (&ClientId, &[u8; 32])> {
        self.digests.iter()
    }

    /// Whether a secret repeats itself or counts up.
    pub fn has_predictable_secret(&self) -> bool {
        self.predictable
    }

    pub fn contains_secret(&self, secret: &str) -> bool {
        self.digests.values().any(|digest| *digest == sha256(secret))
    }
}

/// Parses `payment:SECRET,reports:SECRET`. Messages name clients only: the text holds secrets.
impl Value for ServiceClients {
    fn parse(text: &str) -> Result<Self, String> {
        let mut clients = BTreeMap::new();
        let mut predictable = false;
        for (index, entry) in
            text.split(',').map(str::trim).enumerate().filter(|(_, entry)| !entry.is_empty())
        {
            let number = index + 1;
            let (name, secret) = entry
                .split_once(':')
                .ok_or_else(|| format!("client {number} is not of the form name:secret"))?;
            let id = ClientId::parse(name).map_err(|rule| format!("the name of client {number} {rule}"))?;
            if secret.chars().count() < SHORTEST_SECRET {
                return Err(format!(
                    "the secret of `{name}` must have at least {SHORTEST_SECRET} characters, for example of: \
                     openssl rand -hex 32"
                ));
            }
            predictable |= is_predictable(secret);
            if clients.insert(id, sha256(secret)).is_some() {
                return Err(format!("`{name}` is given twice"));
            }
        }
        Ok(Self { digests: Arc::new(clients), predictable })
    }
}

impl fmt::Debug for ServiceClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.digests.keys().map(ClientId::as_str)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef:123456789abcdef";

    #[test]
    fn a_client_has_a_name_and_a_secret() {
        let clients = ServiceClients::parse(&format!("payment:{SECRET}, reports:{SECRET}{SECRET}")).unwrap();
        let ids: Vec<&str> = clients.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(ids, ["payment", "reports"]);
        assert!(clients.contains_secret(SECRET) && !clients.contains_secret("another"));
        assert_eq!(ServiceClients::parse("").unwrap().iter().count(), 0);
    }

    #[test]
    fn what_is_wrong_is_said_without_the_secret() {
        let wrong =
            ["hunter2", "payment:hunter2", "PAY:hunter2hunter2hunter2hunter2hunter2", ":hunter2hunter2"];
        for wrong in wrong {
            let error = ServiceClients::parse(wrong).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert!(ServiceClients::parse(&format!("a:{SECRET},a:{SECRET}")).is_err());
        let clients = ServiceClients::parse(&format!("payment:{SECRET}")).unwrap();
        assert_eq!(format!("{clients:?}"), r#"{"payment"}"#);
    }
}
