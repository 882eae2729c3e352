//! The actors of this service, one a file with its messages.
//!
//! ```text
//!  HTTP ──PlaceOrder──> OrderDesk ──group commit──> orders          what it commits ──ChargeOrders──> Cashier
//!  HTTP ──ShowOrder, AwaitOrder, ListOrders──> OrderDesk            inventory, page by page ──> CatalogueSync
//!  Cashier ──> PaymentProvider ──group commit──> order + outbox ──> relay
//!  what the provider does not do ──> charges_retried, refunds_due ──> Reconciler ──> PaymentProvider
//!  consumers ──ConfirmOrders──> OrderDesk      consumers ──RefundOrders──> Cashier      consumers ──TakeOverProducts──> Catalogue
//! ```

mod cashier;
mod catalogue;
mod catalogue_sync;
mod charging;
mod intake;
mod order_desk;
mod reconciler;
mod refunding;
mod watchers;

pub use cashier::{Cashier, CashierParts, ChargeOrders, RefundOrders, RefundRequest};
pub use catalogue::{Catalogue, LearnProducts, Learned, TakeOverProducts};
pub use catalogue_sync::CatalogueSync;
pub use intake::{ChargeBacklog, Intake};
pub use order_desk::{
    AwaitOrder, ConfirmOrders, Confirmation, DeskError, ListOrders, OrderDesk, OrderDeskParts, PlaceOrder,
    Receipt, RecordAnswer, ShowOrder,
};
pub use reconciler::{Reconciler, ReconcilerParts};
pub use watchers::Watchers;
