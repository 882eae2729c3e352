//! The decisions of one round: order by order, in stream order, each seeing what those before it hold.

use std::collections::{HashMap, HashSet};

use actix::{Addr, MailboxError};
use futures_util::future::join_all;
use shared::db::DbError;

use super::{
    Backends, Product,
    directory::Directory,
    product::{Hold, Learn, Release, Settle},
    round::Setback,
};
use crate::{
    domain::{Answer, Decision, Level, Line, Order, Sku},
    store,
};

/// The products a round is about.
pub(super) struct Deciding<'a> {
    backends: &'a Backends,
    products: HashMap<Sku, Addr<Product>>,
    /// Looked up since the round began. Nothing else of this process is being committed, so what was read and what is held
    /// together are exact, and a shortage is final.
    exact: HashSet<Sku>,
}

impl<'a> Deciding<'a> {
    pub(super) async fn begin(directory: &Directory, backends: &'a Backends, skus: &[Sku]) -> Result<Self, DbError> {
        Ok(Self { backends, products: directory.find(skus).await?, exact: HashSet::new() })
    }

    /// Decides over one order. Reserved: its lines are held. Refused: nothing is held, and no view that could be stale said so.
    pub(super) async fn decide(&mut self, order: &Order) -> Result<Decision, Setback> {
        loop {
            let answers = self.hold(&order.lines).await?;
            let decision = Decision::over(&order.lines, &answers);
            if decision == Decision::Reserve {
                return Ok(decision);
            }
            self.release(order.lines.iter().zip(&answers).filter(|(_, answer)| **answer == Answer::Held).map(|(line, _)| line)).await?;
            let stale = self.stale(&order.lines, &answers);
            if stale.is_empty() {
                return Ok(decision);
            }
            self.look_again(stale).await?;
        }
    }

    async fn hold(&self, lines: &[Line]) -> Result<Vec<Answer>, MailboxError> {
        let hold = |line: &Line| {
            let (product, quantity) = (self.products.get(&line.sku), line.quantity);
            async move {
                let Some(product) = product else { return Ok(Answer::Unknown) };
                Ok(match product.send(Hold(quantity)).await? {
                    Ok(()) => Answer::Held,
                    Err(short) => Answer::Short { available: short.available },
                })
            }
        };
        join_all(lines.iter().map(hold)).await.into_iter().collect()
    }

    async fn release(&self, lines: impl Iterator<Item = &Line>) -> Result<(), MailboxError> {
        let held = lines.filter_map(|line| Some((self.products.get(&line.sku)?, line.quantity)));
        join_all(held.map(|(product, quantity)| product.send(Release(quantity)))).await.into_iter().collect()
    }

    /// The short ones that were not looked up in this round.
    fn stale(&self, lines: &[Line], answers: &[Answer]) -> Vec<Sku> {
        let short = lines.iter().zip(answers).filter(|(_, answer)| matches!(answer, Answer::Short { .. }));
        short.map(|(line, _)| &line.sku).filter(|sku| !self.exact.contains(*sku)).cloned().collect()
    }

    async fn look_again(&mut self, skus: Vec<Sku>) -> Result<(), Setback> {
        let connection = self.backends.database.connection().await?;
        for (sku, level) in store::levels(&connection, &skus).await? {
            if let Some(product) = self.products.get(&sku) {
                product.send(Learn(level)).await?;
            }
        }
        self.exact.extend(skus);
        Ok(())
    }

    /// The commit took these: what was held is gone, and this is what is left.
    pub(super) async fn settle(&self, taken: Taken) {
        let settle =
            taken.0.into_iter().filter_map(|(sku, (quantity, level))| Some(self.products.get(&sku)?.send(Settle { quantity, level })));
        // A product that died meanwhile is loaded from what was committed.
        join_all(settle).await;
    }
}

/// What was taken of each product, and its level after the last of it.
#[derive(Default)]
pub(super) struct Taken(HashMap<Sku, (u32, Level)>);

impl Taken {
    pub(super) fn add(&mut self, lines: &[Line], levels: Vec<(Sku, Level)>) {
        let levels: HashMap<Sku, Level> = levels.into_iter().collect();
        for line in lines {
            let Some(level) = levels.get(&line.sku) else { continue };
            let (quantity, last) = self.0.entry(line.sku.clone()).or_insert((0, *level));
            *quantity += line.quantity;
            if level.as_of > last.as_of {
                *last = *level;
            }
        }
    }
}
