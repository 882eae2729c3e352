use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use super::policy::limited;

/// Counts what each key holds at a time; cheap to clone, and clones count together.
#[derive(Clone)]
pub struct Shares<K> {
    refused: metrics::Counter,
    most: usize,
    /// Without zeros.
    held: Arc<Mutex<HashMap<K, usize>>>,
}

/// A place of `key`; given back when dropped.
pub struct Share<K: Hash + Eq> {
    key: K,
    shares: Shares<K>,
}

impl<K: Hash + Eq + Clone> Shares<K> {
    /// A key holds up to `most` at a time, at least 1. `name`: the label of `orderflow_limited_total`.
    pub fn new(name: &'static str, most: usize) -> Self {
        Self { refused: limited(name), most: most.max(1), held: Arc::default() }
    }

    /// What a key holds at most.
    pub fn most(&self) -> usize {
        self.most
    }

    /// `None` if `key` holds its share.
    pub fn take(&self, key: K) -> Option<Share<K>> {
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let held = all.entry(key.clone()).or_default();
        if *held >= self.most {
            self.refused.increment(1);
            return None;
        }
        *held += 1;
        Some(Share { key, shares: self.clone() })
    }
}

impl<K: Hash + Eq> Drop for Share<K> {
    fn drop(&mut self) {
        let mut all = self.shares.held.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get_mut(&self.key) {
            Some(held) if *held > 1 => *held -= 1,
            _ => _ = all.remove(&self.key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_holds_its_share_at_most_and_gets_back_what_it_drops() {
        let shares = Shares::new("test", 2);
        let first = shares.take("a");
        let second = shares.take("a");
        assert!(first.is_some() && second.is_some() && shares.take("a").is_none());
        let other = shares.take("b");
        assert!(other.is_some(), "another key has its own share");
        drop(first);
        assert!(shares.take("a").is_some());
        drop((second, other));
        assert!(shares.held.lock().unwrap().is_empty(), "nothing stays of a key that holds nothing");
    }
}
