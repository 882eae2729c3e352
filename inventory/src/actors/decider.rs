//! The decisions of one round: order by order, in stream order, each seeing what those before it hold.
//!
//! A product that has enough for all of them holds all of it with one message; only the others are asked
//! order by order.

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

/// The products a round is about.
pub(super) struct Decider<'a> {
    parts: &'a ProductParts,
    products: HashMap<Sku, Addr<Product>>,
    /// Those that hold what all orders of the round want of them.
    held_in_bulk: HashSet<Sku>,
    /// All of them do: each order is reserved, and no decision waits or fails.
    pub(super) all_held: bool,
    /// Looked up since the round began. Nothing else of this process is being committed, so what was read and
    /// what is held together are exact, and a shortage is final.
    reloaded: HashSet<Sku>,
}

impl<'a> Decider<'a> {
    /// Asks each product for everything that is `wanted` of it.
    pub(super) async fn begin(
        directory: &Directory,
        parts: &'a ProductParts,
        wanted: &BTreeMap<Sku, u32>,
    ) -> Result<Self, AttemptError> {
        let products = directory.find(&wanted.keys().cloned().collect::<Vec<Sku>>()).await?;
        let mut decider =
            Self { parts, products, held_in_bulk: HashSet::new(), all_held: false, reloaded: HashSet::new() };
        let lines: Vec<Line> =
            wanted.iter().map(|(sku, quantity)| Line { sku: sku.clone(), quantity: *quantity }).collect();
        let results = decider.hold(&lines).await?;
        decider.held_in_bulk = lines
            .into_iter()
            .zip(results)
            .filter(|(_, result)| *result == HoldResult::Held)
            .map(|(line, _)| line.sku)
            .collect();
        decider.all_held = decider.held_in_bulk.len() == wanted.len();
        Ok(decider)
    }

    /// Decides over one order. Reserved: its lines are held. Refused: nothing is held, and no view that could
    /// be stale said so.
    pub(super) async fn decide(&mut self, order: &Order) -> Result<Decision, AttemptError> {
        loop {
            let results = self.hold(&order.lines).await?;
            let decision = Decision::over(&order.lines, &results);
            if decision == Decision::Reserve {
                return Ok(decision);
            }
            let held = order
                .lines
                .iter()
                .zip(&results)
                .filter(|(_, result)| **result == HoldResult::Held)
                .map(|(line, _)| line);
            let (for_all, for_it): (Vec<&Line>, Vec<&Line>) =
                held.partition(|line| self.held_in_bulk.contains(&line.sku));
            self.release(&for_it).await?;
            let stale = self.stale(&order.lines, &results);
            if stale.is_empty() {
                self.release(&for_all).await?;
                return Ok(decision);
            }
            self.reload(stale).await?;
        }
    }

    async fn hold(&self, lines: &[Line]) -> Result<Vec<HoldResult>, MailboxError> {
        if lines.iter().all(|line| self.held_in_bulk.contains(&line.sku)) {
            return Ok(vec![HoldResult::Held; lines.len()]);
        }
        let hold = |line: &Line| {
            let (product, quantity, held) =
                (self.products.get(&line.sku), line.quantity, self.held_in_bulk.contains(&line.sku));
            async move {
                let Some(product) = product else { return Ok(HoldResult::Unknown) };
                if held {
                    return Ok(HoldResult::Held);
                }
                Ok(match product.send(Hold(quantity)).await? {
                    Ok(()) => HoldResult::Held,
                    Err(short) => HoldResult::Short { available: short.available },
                })
            }
        };
        join_all(lines.iter().map(hold)).await.into_iter().collect()
    }

    async fn release(&self, lines: &[&Line]) -> Result<(), MailboxError> {
        let held = lines.iter().filter_map(|line| Some((self.products.get(&line.sku)?, line.quantity)));
        join_all(held.map(|(product, quantity)| product.send(Release(quantity)))).await.into_iter().collect()
    }

    /// The short ones that were not looked up in this round.
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

    /// The commit took these: what was held is gone, and this is what is left.
    pub(super) async fn commit_holds(&self, taken: Taken) {
        let commits = taken.0.into_iter().filter_map(|(sku, (quantity, level))| {
            Some(self.products.get(&sku)?.send(CommitHold { quantity, level }))
        });
        // A product that died meanwhile is loaded from what was committed.
        join_all(commits).await;
    }
}

/// What was taken of each product, and its level after the last of it.
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
