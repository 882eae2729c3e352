use std::time::Duration;

use crate::verify::database::Reader;
use crate::verify::{Sources, VerifyError};

/// A statement of a look takes milliseconds; one that waits is given up.
const STATEMENT: Duration = Duration::from_secs(10);

/// Connections that last from look to look. A part that fails gives up its own.
pub(super) struct Servers {
    sources: Sources,
    user: Option<Reader>,
    inventory: Option<Reader>,
    payment: Option<Reader>,
}

impl Servers {
    pub(super) fn new(sources: &Sources) -> Self {
        Self { sources: sources.clone(), user: None, inventory: None, payment: None }
    }

    pub(super) async fn user(&mut self) -> Result<&Reader, VerifyError> {
        connected(&mut self.user, "user", &self.sources.user_database).await
    }

    /// Payment and inventory.
    pub(super) async fn books(&mut self) -> Result<(&Reader, &Reader), VerifyError> {
        let payment = connected(&mut self.payment, "payment", &self.sources.payment_database).await?;
        let inventory = connected(&mut self.inventory, "inventory", &self.sources.inventory_database).await?;
        Ok((payment, inventory))
    }

    pub(super) fn leave_user(&mut self) {
        self.user = None;
    }

    pub(super) fn leave_books(&mut self) {
        self.payment = None;
        self.inventory = None;
    }
}

async fn connected<'a>(
    slot: &'a mut Option<Reader>,
    service: &str,
    url: &str,
) -> Result<&'a Reader, VerifyError> {
    let reader = match slot.take().filter(|reader| !reader.is_closed()) {
        Some(reader) => reader,
        None => Reader::connect_for(service, url, STATEMENT).await?,
    };
    Ok(slot.insert(reader))
}
