//! The shelf of one SKU, and its view. The directory starts it outside the supervisor, and drops it when its
//! view is in doubt.

use std::{rc::Rc, time::Instant};

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, ResponseFuture, WrapFuture};
use runtime::{db::Failure, failpoint};
use tokio::sync::oneshot;

use super::{InventoryError, ProductParts};
use crate::{
    domain::{Level, ProductRecord, Shelf, Short},
    store::{self, StoredProduct},
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductView {
    pub record: ProductRecord,
    pub available: u32,
}

type ViewResult = Result<ProductView, InventoryError>;

pub struct Product {
    pub(super) record: ProductRecord,
    shelf: Shelf,
    read_at: Instant,
    /// Callers that wait for a read.
    waiting: Vec<oneshot::Sender<ViewResult>>,
    pub(super) parts: Rc<ProductParts>,
}

impl Actor for Product {
    type Context = Context<Self>;
}

impl Product {
    pub fn new(stored: StoredProduct, parts: Rc<ProductParts>) -> Self {
        Self {
            record: stored.record,
            shelf: Shelf::new(stored.level),
            read_at: Instant::now(),
            waiting: Vec::new(),
            parts,
        }
    }

    /// Ignores an older record.
    pub(super) fn update_record(&mut self, record: ProductRecord) {
        if record.version >= self.record.version {
            self.record = record;
        }
    }

    pub(super) fn update_level(&mut self, level: Level) {
        self.shelf.update(level);
    }

    pub(super) fn view(&self) -> ViewResult {
        if self.record.deleted {
            return Err(InventoryError::Absent);
        }
        Ok(ProductView { record: self.record.clone(), available: self.shelf.available() })
    }

    /// One read answers all waiting callers.
    fn refresh(&self, context: &mut Context<Self>) {
        let parts = Rc::clone(&self.parts);
        let sku = self.record.sku.clone();
        let load =
            async move { Ok::<_, InventoryError>(store::load(&parts.connection().await?, &sku).await?) };
        context.spawn(load.into_actor(self).map(|found: Result<_, InventoryError>, product, _| {
            let shown = match found {
                Ok(Some(stored)) => product.update(stored),
                Ok(None) => Err(InventoryError::Absent),
                Err(error) => Err(error),
            };
            for sender in product.waiting.drain(..) {
                _ = sender.send(shown.clone()); // the caller may have given up
            }
        }));
    }

    fn update(&mut self, stored: StoredProduct) -> ViewResult {
        self.update_record(stored.record);
        self.update_level(stored.level);
        self.read_at = Instant::now();
        self.view()
    }
}

#[derive(Debug, Message)]
#[rtype(result = "Result<ProductView, InventoryError>")]
pub struct ShowProduct;

impl Handler<ShowProduct> for Product {
    type Result = ResponseFuture<ViewResult>;

    fn handle(&mut self, _: ShowProduct, context: &mut Self::Context) -> Self::Result {
        if self.read_at.elapsed() <= self.parts.view_age {
            let shown = self.view();
            return Box::pin(async move { shown });
        }
        let (sender, shown) = oneshot::channel();
        self.waiting.push(sender);
        if self.waiting.len() == 1 {
            self.refresh(context);
        }
        Box::pin(async move {
            shown.await.unwrap_or_else(|_| {
                Err(Failure::Unavailable("the product is being reloaded".to_owned()).into())
            })
        })
    }
}

#[derive(Debug, Message)]
#[rtype(result = "Result<(), Short>")]
pub struct Hold(pub u32);

impl Handler<Hold> for Product {
    type Result = Result<(), Short>;

    fn handle(&mut self, hold: Hold, _: &mut Self::Context) -> Self::Result {
        failpoint::pass("product.hold", "");
        self.shelf.hold(hold.0)
    }
}

#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Release(pub u32);

impl Handler<Release> for Product {
    type Result = ();

    fn handle(&mut self, release: Release, _: &mut Self::Context) {
        self.shelf.release(release.0);
    }
}

/// The commit left `level`.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct CommitHold {
    pub quantity: u32,
    pub level: Level,
}

impl Handler<CommitHold> for Product {
    type Result = ();

    fn handle(&mut self, message: CommitHold, _: &mut Self::Context) {
        self.shelf.commit_hold(message.quantity, message.level);
    }
}

#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct UpdateLevel(pub Level);

impl Handler<UpdateLevel> for Product {
    type Result = ();

    fn handle(&mut self, message: UpdateLevel, _: &mut Self::Context) {
        self.update_level(message.0);
    }
}

/// What the database has now.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct TakeStored(pub StoredProduct);

impl Handler<TakeStored> for Product {
    type Result = ();

    fn handle(&mut self, message: TakeStored, _: &mut Self::Context) {
        _ = self.update(message.0); // nobody waits for the view
    }
}
