//! All or nothing over the lines of an order.

use super::Line;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldResult {
    Held,
    Short {
        available: u32,
    },
    /// The product has never existed.
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Reserve,
    Refuse { refusal: Refusal, short: Vec<ShortLine> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    InsufficientStock,
    UnknownProduct,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortLine {
    pub line: Line,
    pub available: u32,
}

impl Decision {
    /// Unknown products refuse the order and are the only ones named: restocking cannot help it.
    pub fn over(lines: &[Line], results: &[HoldResult]) -> Self {
        debug_assert_eq!(lines.len(), results.len(), "one result a line");
        let pick = |wanted: fn(&HoldResult) -> Option<u32>| -> Vec<ShortLine> {
            let short =
                lines.iter().zip(results).filter_map(|(line, result)| Some((line.clone(), wanted(result)?)));
            short.map(|(line, available)| ShortLine { line, available }).collect()
        };
        let unknown = pick(|result| matches!(result, HoldResult::Unknown).then_some(0));
        if !unknown.is_empty() {
            return Self::Refuse { refusal: Refusal::UnknownProduct, short: unknown };
        }
        let short =
            pick(|result| if let HoldResult::Short { available } = result { Some(*available) } else { None });
        if short.is_empty() {
            Self::Reserve
        } else {
            Self::Refuse { refusal: Refusal::InsufficientStock, short }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::domain::{Level, Shelf, Sku};

    fn line(sku: &str, quantity: u32) -> Line {
        Line { sku: Sku::stored(sku), quantity }
    }

    #[test]
    fn an_order_is_reserved_when_every_line_is_held() {
        let lines = [line("A", 1), line("B", 2)];
        assert_eq!(Decision::over(&lines, &[HoldResult::Held, HoldResult::Held]), Decision::Reserve);
    }

    #[test]
    fn one_short_line_refuses_the_order_and_is_the_only_one_named() {
        let lines = [line("A", 1), line("B", 2), line("C", 3)];
        let decision =
            Decision::over(&lines, &[HoldResult::Held, HoldResult::Short { available: 1 }, HoldResult::Held]);
        let short = vec![ShortLine { line: line("B", 2), available: 1 }];
        assert_eq!(decision, Decision::Refuse { refusal: Refusal::InsufficientStock, short });
    }

    #[test]
    fn an_unknown_product_outweighs_a_shortage() {
        let lines = [line("A", 1), line("B", 2)];
        let decision = Decision::over(&lines, &[HoldResult::Short { available: 0 }, HoldResult::Unknown]);
        let short = vec![ShortLine { line: line("B", 2), available: 0 }];
        assert_eq!(decision, Decision::Refuse { refusal: Refusal::UnknownProduct, short });
    }

    /// xorshift64: the same sequence in every run.
    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: u32) -> u32 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % u64::from(bound)) as u32
        }
    }

    struct Shop {
        shelves: HashMap<Sku, Shelf>,
        truth: HashMap<Sku, (i64, i64)>, // on hand, ledger id
        sold: HashMap<Sku, i64>,
    }

    impl Shop {
        fn new(random: &mut Random) -> Self {
            let stock: HashMap<Sku, u32> =
                ["A", "B", "C", "D"].map(|sku| (Sku::stored(sku), random.below(40))).into();
            Self {
                shelves: stock
                    .iter()
                    .map(|(sku, count)| (sku.clone(), Shelf::new(Level { on_hand: *count, as_of: 1 })))
                    .collect(),
                truth: stock.iter().map(|(sku, count)| (sku.clone(), (i64::from(*count), 1))).collect(),
                sold: HashMap::new(),
            }
        }

        fn decide(&mut self, lines: &[Line]) -> Decision {
            let hold = |line: &Line| match self.shelves.get_mut(&line.sku).unwrap().hold(line.quantity) {
                Ok(()) => HoldResult::Held,
                Err(short) => HoldResult::Short { available: short.available },
            };
            let results: Vec<HoldResult> = lines.iter().map(hold).collect();
            let decision = Decision::over(lines, &results);
            if decision != Decision::Reserve {
                for (line, _) in lines.iter().zip(&results).filter(|(_, result)| **result == HoldResult::Held)
                {
                    self.shelves.get_mut(&line.sku).unwrap().release(line.quantity);
                }
            }
            decision
        }

        fn commit(&mut self, lines: &[Line]) {
            for line in lines {
                let (on_hand, id) = self.truth.get_mut(&line.sku).unwrap();
                *on_hand -= i64::from(line.quantity);
                *id += 1;
                assert!(*on_hand >= 0, "{} oversold", line.sku);
                let level = Level { on_hand: u32::try_from(*on_hand).unwrap(), as_of: *id };
                self.shelves.get_mut(&line.sku).unwrap().commit_hold(line.quantity, level);
                *self.sold.entry(line.sku.clone()).or_default() += i64::from(line.quantity);
            }
        }

        fn fail(&mut self, lines: &[Line]) {
            for line in lines {
                self.shelves.get_mut(&line.sku).unwrap().release(line.quantity);
            }
        }
    }

    #[test]
    fn whatever_is_ordered_and_however_commits_fail_nothing_is_oversold_and_nothing_leaks() {
        for seed in 1..=500 {
            let mut random = Random(seed);
            let mut shop = Shop::new(&mut random);
            let started = shop.truth.clone();
            let mut in_flight: Vec<Vec<Line>> = Vec::new();
            for _ in 0..200 {
                let skus =
                    ["A", "B", "C", "D"].into_iter().filter(|_| random.below(2) == 0).collect::<Vec<_>>();
                let lines: Vec<Line> = skus.into_iter().map(|sku| line(sku, 1 + random.below(5))).collect();
                if !lines.is_empty() && shop.decide(&lines) == Decision::Reserve {
                    in_flight.push(lines);
                }
                if random.below(3) == 0 {
                    let failed = random.below(4) == 0;
                    for lines in in_flight.drain(..) {
                        if failed { shop.fail(&lines) } else { shop.commit(&lines) }
                    }
                }
            }
            in_flight.drain(..).for_each(|lines| shop.commit(&lines));
            for (sku, (on_hand, _)) in &shop.truth {
                assert_eq!(started[sku].0, on_hand + shop.sold.get(sku).copied().unwrap_or(0));
                assert_eq!(i64::from(shop.shelves[sku].available()), *on_hand, "a hold of {sku} leaked");
            }
        }
    }
}
