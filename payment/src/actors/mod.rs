//! The actors of this service, one a file with its messages.
//!
//! ```text
//!  HTTP ──> OrderWriter ──group commit──> orders ──ChargeOrders──> Cashier
//!  HTTP ──ShowOrder, RecordResponse, ListOrders──> OrderDesk
//!  Cashier ──> PaymentProvider ──group commit──> order + outbox ──> relay
//!  charges_retried, refunds_due ──> Reconciler ──> PaymentProvider
//!  consumers ──ConfirmOrders──> OrderDesk
//!  consumers ──RefundOrders──> Cashier
//!  consumers ──ApplyProductChanges──> Catalogue
//!  orders of waiting requests and streams ──> ProgressReader ──> HTTP
//!  changes of inventory ──> CatalogueSync
//! ```

mod cashier;
mod catalogue;
mod catalogue_sync;
mod charge_backlog;
mod charging;
mod error;
mod order_desk;
mod order_events;
mod order_notifier;
mod order_throttle;
mod order_writer;
mod parts;
mod progress_reader;
mod reconciler;
mod refunding;

pub use cashier::{Cashier, ChargeOrders, RefundOrders};
pub use catalogue::{
    ApplyProductChanges, Catalogue, CatalogueError, CatalogueParts, FetchProducts, FetchedProducts,
};
pub use catalogue_sync::{CatalogueSync, CatalogueSyncParts};
pub use charge_backlog::ChargeBacklog;
pub use error::{ApplyResult, DeskError};
pub use order_desk::{ConfirmOrders, Confirmation, ListOrders, OrderDesk, RecordResponse, ShowOrder};
pub use order_events::{OrderEvent, OrderEvents};
pub use order_notifier::{OrderNotifier, Subscription};
pub use order_throttle::OrderThrottle;
pub use order_writer::OrderWriter;
pub use parts::{CashierParts, OrderDeskParts, ReconcilerParts};
pub use progress_reader::ProgressReader;
pub use reconciler::Reconciler;
pub use refunding::RefundRequest;
