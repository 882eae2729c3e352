//! What the verifier (`shopctl verify --watch`) says about the invariants. It takes no token: the console
//! shows it to an ADMIN only.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::{Client, Url};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::text::Moment;

/// A page does not wait for a verifier that hangs.
const PATIENCE: Duration = Duration::from_secs(2);
/// However many viewers watch, the verifier is asked once in this time.
const FRESH: Duration = Duration::from_secs(2);

/// The verdicts, or why there are none.
pub type Verdicts = Result<Arc<Invariants>, String>;

pub struct Verifier {
    http: Client,
    url: Url,
    last: Mutex<Option<(Instant, Verdicts)>>,
}

/// The answer of `GET /invariants`.
#[derive(Debug, Deserialize)]
pub struct Invariants {
    pub interval_seconds: f64,
    pub orders_checked: u64,
    pub all_checked_at: Option<Moment>,
    pub invariants: Vec<Invariant>,
    /// Newest first.
    pub history: Vec<Change>,
}

#[derive(Debug, Deserialize)]
pub struct Invariant {
    /// `I1`
    pub id: String,
    pub name: String,
    pub says: String,
    pub verdict: Verdict,
    pub since: Option<Moment>,
    pub checked_at: Option<Moment>,
    pub why: Option<String>,
    pub findings_count: u64,
    pub findings: Vec<Finding>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Ok,
    Broken,
    NotWatched,
    /// Also one of a newer verifier.
    #[serde(other)]
    Unknown,
}

#[derive(Debug, Deserialize)]
pub struct Finding {
    pub text: String,
    pub since: Moment,
}

#[derive(Debug, Deserialize)]
pub struct Change {
    pub at: Moment,
    pub invariant: String,
    pub was: Verdict,
    pub verdict: Verdict,
    pub why: Option<String>,
}

impl Verifier {
    pub fn new(http: Client, url: Url) -> Self {
        Self { http, url, last: Mutex::default() }
    }

    pub async fn look(&self) -> Verdicts {
        let mut last = self.last.lock().await;
        match &*last {
            Some((asked, verdicts)) if asked.elapsed() < FRESH => verdicts.clone(),
            _ => {
                let verdicts =
                    self.ask().await.map(Arc::new).map_err(|error| error.without_url().to_string());
                *last = Some((Instant::now(), verdicts.clone()));
                verdicts
            }
        }
    }

    async fn ask(&self) -> reqwest::Result<Invariants> {
        let mut url = self.url.clone();
        url.set_path("/invariants");
        let answer = self.http.get(url).timeout(PATIENCE).send().await?;
        answer.error_for_status()?.json().await
    }
}

impl Invariants {
    pub fn broken(&self) -> Vec<&Invariant> {
        self.invariants.iter().filter(|invariant| invariant.verdict == Verdict::Broken).collect()
    }

    pub fn unknown(&self) -> usize {
        self.invariants.iter().filter(|invariant| invariant.verdict == Verdict::Unknown).count()
    }

    pub fn watched(&self) -> usize {
        self.invariants.iter().filter(|invariant| invariant.verdict != Verdict::NotWatched).count()
    }
}

impl Verdict {
    pub fn class(self) -> &'static str {
        match self {
            Self::Ok => "well",
            Self::Broken => "down",
            Self::Unknown => "late",
            Self::NotWatched => "quiet",
        }
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Ok => "holds",
            Self::Broken => "broken",
            Self::Unknown => "not known",
            Self::NotWatched => "not watched",
        }
    }
}

impl Finding {
    /// The id of the order that the text names.
    pub fn order(&self) -> Option<&str> {
        let id = self.text.strip_prefix("order ")?.split(':').next()?;
        uuid::Uuid::parse_str(id).is_ok().then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_leads_to_its_order() {
        let since = Moment("2026-01-02T03:04:05Z".parse().expect("a time"));
        let finding = |text: &str| Finding { text: text.to_owned(), since };
        let id = "0199c0de-0000-7000-8000-000000000001";
        assert_eq!(finding(&format!("order {id}: confirmed with 0 charges")).order(), Some(id));
        assert_eq!(finding("MUG: 3 on hand").order(), None);
        assert_eq!(finding("order of things: odd").order(), None);
    }

    #[test]
    fn a_verdict_that_this_console_does_not_know_is_shown_as_such() {
        let verdict = |text: &str| serde_json::from_str::<Verdict>(text).expect("a verdict");
        assert_eq!(verdict("\"not-watched\""), Verdict::NotWatched);
        assert_eq!(verdict("\"perhaps\""), Verdict::Unknown);
    }
}
