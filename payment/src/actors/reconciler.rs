//! Reconciler: brings back orders that stayed open.
//!
//! An order that stays `pending` (its process died before the charge, the provider was away) goes to the cashier again. One
//! that stays `completed` is not its work: the outbox row of its event is still there, and the relay publishes it again.

use std::sync::Arc;

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, WrapFuture};
use shared::{
    db::{Database, DbError},
    supervisor::{Drain, ExitReason, Life, Supervised},
};

use super::{Cashier, ChargeOrders};
use crate::{settings::ReconcilerSettings, store};

/// Orders of one look; the next look is `reconcile-interval` later.
const ORDERS: usize = 1000;

/// The actor.
pub struct Reconciler {
    database: Database,
    cashier: Supervised<Cashier>,
    settings: ReconcilerSettings,
    life: Life,
}

impl Reconciler {
    pub fn new(database: Database, cashier: Supervised<Cashier>, settings: ReconcilerSettings, life: Life) -> Self {
        Self { database, cashier, settings, life }
    }
}

impl Actor for Reconciler {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let (database, cashier, settings) = (self.database.clone(), self.cashier.clone(), self.settings);
        let looking = async move {
            loop {
                tokio::time::sleep(settings.interval).await;
                if let Err(error) = look(&database, &cashier, settings).await {
                    tracing::debug!(%error, "the reconciler could not look");
                }
            }
        };
        context.spawn(looking.into_actor(self));
    }
}

async fn look(database: &Database, cashier: &Supervised<Cashier>, settings: ReconcilerSettings) -> Result<(), DbError> {
    let connection = database.connection().await?;
    let open = store::pending_orders(&connection, settings.after, ORDERS).await?;
    if !open.is_empty() {
        tracing::info!(orders = open.len(), "charging again what stayed pending");
        // A cashier that is being replaced gets them at the next look.
        _ = cashier.tell(ChargeOrders(open.into_iter().map(Arc::new).collect()));
    }
    Ok(())
}

impl Handler<Drain> for Reconciler {
    type Result = ();

    fn handle(&mut self, _: Drain, context: &mut Self::Context) {
        self.life.ends(ExitReason::Drained);
        context.stop();
    }
}
