//! I7 in Redis: an event that was acknowledged without effect. The outbox publishes it again within seconds,
//! so that a finding stays for a minute.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::options::Options;
use super::part::{Checked, Report};
use crate::verify::findings::{About, Invariant, Offender};
use crate::verify::sampler::{LostEvent, Sampler};
use crate::verify::{Sources, VerifyError};

/// Long enough to be scraped.
const SHOWN: SignedDuration = SignedDuration::from_secs(60);
/// After this, its order or product shows what became of it.
const FOLLOWED: SignedDuration = SignedDuration::from_secs(600);
/// Lost events that are followed.
const MOST: usize = 1000;

pub(super) struct LostEvents {
    sampler: Sampler,
    lost: BTreeMap<String, Followed>,
}

struct Followed {
    event: LostEvent,
    since: Timestamp,
}

impl LostEvents {
    pub(super) fn new(sources: &Sources, options: &Options) -> Self {
        let window = (options.interval * 3).max(Duration::from_secs(10));
        Self { sampler: Sampler::looking_back(sources, window), lost: BTreeMap::new() }
    }

    pub(super) fn disconnect(&mut self) {
        self.sampler.disconnect();
    }

    pub(super) async fn look(&mut self, at: Timestamp) -> Result<Report, VerifyError> {
        self.forget(at).await?;
        for event in self.sampler.lost_events().await? {
            if self.lost.len() < MOST {
                self.lost.insert(event.event.clone(), Followed { event, since: at });
            }
        }
        let offender = |lost: &Followed| {
            let about = About::Event(lost.event.event.clone());
            (Invariant::Once, Offender { about, text: lost.event.text.clone() })
        };
        let checked = Checked { events: true, ..Checked::default() };
        Ok(Report { checked, offenders: self.lost.values().map(offender).collect() })
    }

    /// What had its effect by now.
    async fn forget(&mut self, at: Timestamp) -> Result<(), VerifyError> {
        self.lost.retain(|_, lost| at.duration_since(lost.since) < FOLLOWED);
        let shown = self.lost.values().filter(|lost| at.duration_since(lost.since) >= SHOWN);
        let mut by_group = BTreeMap::<&str, Vec<Uuid>>::new();
        for lost in shown {
            by_group.entry(lost.event.group).or_default().extend(lost.event.event.parse::<Uuid>().ok());
        }
        for (group, events) in by_group {
            let processed = self.sampler.processed(group, &events).await?;
            processed.iter().for_each(|event| _ = self.lost.remove(&event.to_string()));
        }
        Ok(())
    }
}
