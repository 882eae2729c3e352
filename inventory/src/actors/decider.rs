//! The decisions of one round, in stream order: one message for a product with enough stock for the whole
//! round, else one per order.

use std::collections::{BTreeMap, HashMap, HashSet};

use actix::{Addr, MailboxError};
use futures_util::future::join_all;

use super::{
    Product, ProductParts,
    attempt_error::AttemptError,
    directory::Directory,
    product::{CommitHold, Hold, Release, UpdateLevel},
};
use crate::{
    domain::{Decision, HoldResult, Level, Line, Order, Sku},
    store,
};

pub(super) struct Decider<'a> {
    parts: &'a ProductParts,
    products: HashMap<Sku, Addr<Product>>,
    held_in_bulk: HashSet<Sku>,
    /// Every order is reserved without a further message.
    pub(super) all_held: bool,
    /// No other commit of this process is in flight, so a shortage after a reload is final.
    reloaded: HashSet<Sku>,
}

impl<'a> Decider<'a> {
    pub(super) async fn begin(
        directory: &Directory,
        parts: &'a ProductParts,
        wanted: &BTreeMap<Sku, u32>,
    ) -> Result<Self, AttemptError> {
        let products = directory.find(&wanted.keys().cloned().collect::<Vec<Sku>>()).await?;
        let mut decider =
            Self { parts, products, held_in_bulk: HashSet::new(), all_held: false, reloaded: HashSet::new() };
        let holds = join_all(wanted.iter().map(|(sku, quantity)| decider.hold(sku, *quantity))).await;
        for (sku, hold) in wanted.keys().zip(holds) {
            if hold? == HoldResult::Held {
                decider.held_in_bulk.insert(sku.clone());
            }
        }
        decider.all_held = decider.held_in_bulk.len() == wanted.len();
        Ok(decider)
    }

    /// A refused order holds no line, and rests on reloaded levels.
    pub(super) async fn decide(&mut self, order: &Order) -> Result<Decision, AttemptError> {
        loop {
            let results = self.hold_lines(&order.lines).await?;
            let decision = Decision::over(&order.lines, &results);
            if decision == Decision::Reserve {
                return Ok(decision);
            }
            let lines = order.lines.iter().zip(&results);
            let held = lines.filter(|(_, result)| **result == HoldResult::Held).map(|(line, _)| line);
            let (in_bulk, singly): (Vec<&Line>, Vec<&Line>) =
                held.partition(|line| self.held_in_bulk.contains(&line.sku));
            self.release(&singly).await?;
            let stale = self.stale(&order.lines, &results);
            if stale.is_empty() {
                self.release(&in_bulk).await?;
                return Ok(decision);
            }
            self.reload(stale).await?;
        }
    }

    async fn hold_lines(&self, lines: &[Line]) -> Result<Vec<HoldResult>, MailboxError> {
        if lines.iter().all(|line| self.held_in_bulk.contains(&line.sku)) {
            return Ok(vec![HoldResult::Held; lines.len()]);
        }
        join_all(lines.iter().map(|line| self.hold(&line.sku, line.quantity))).await.into_iter().collect()
    }

    async fn hold(&self, sku: &Sku, quantity: u32) -> Result<HoldResult, MailboxError> {
        let Some(product) = self.products.get(sku) else { return Ok(HoldResult::Unknown) };
        if self.held_in_bulk.contains(sku) {
            return Ok(HoldResult::Held);
        }
        Ok(match product.send(Hold(quantity)).await? {
            Ok(()) => HoldResult::Held,
            Err(short) => HoldResult::Short { available: short.available },
        })
    }

    async fn release(&self, lines: &[&Line]) -> Result<(), MailboxError> {
        let held = lines.iter().filter_map(|line| Some((self.products.get(&line.sku)?, line.quantity)));
        join_all(held.map(|(product, quantity)| product.send(Release(quantity)))).await.into_iter().collect()
    }

    fn stale(&self, lines: &[Line], results: &[HoldResult]) -> Vec<Sku> {
        let short =
            lines.iter().zip(results).filter(|(_, result)| matches!(result, HoldResult::Short { .. }));
        short.map(|(line, _)| &line.sku).filter(|sku| !self.reloaded.contains(*sku)).cloned().collect()
    }

    async fn reload(&mut self, skus: Vec<Sku>) -> Result<(), AttemptError> {
        let connection = self.parts.database.connection().await?;
        for (sku, level) in store::levels(&connection, &skus).await? {
            if let Some(product) = self.products.get(&sku) {
                product.send(UpdateLevel(level)).await?;
            }
        }
        self.reloaded.extend(skus);
        Ok(())
    }

    pub(super) async fn commit_holds(&self, taken: Taken) {
        let commits = taken.0.into_iter().filter_map(|(sku, (quantity, level))| {
            Some(self.products.get(&sku)?.send(CommitHold { quantity, level }))
        });
        // A product that ended meanwhile is reloaded with the committed level.
        join_all(commits).await;
    }
}

/// Quantity and last level.
#[derive(Default)]
pub(super) struct Taken(HashMap<Sku, (u32, Level)>);

impl Taken {
    pub(super) fn add(&mut self, lines: &[Line], levels: &HashMap<Sku, Level>) {
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
