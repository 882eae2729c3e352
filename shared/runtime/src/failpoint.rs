//! Failpoints, in builds with the feature `failpoints`: places at which a rehearsal kills, panics or stops
//! the process.
//!
//! `FAILPOINT=NAME:NTH[:ACTION]` (several with commas) or `POST /ops/faults` arms one. Each fires once, NTH
//! passages later.
//!
//! | name | where |
//! | --- | --- |
//! | `consumer.after-read.STREAM` | a batch was read |
//! | `handler.start.STREAM` | the batch is about to be handled |
//! | `commit.before.WRITER`, `commit.after.WRITER` | a transaction |
//! | `consumer.before-ack.STREAM` | the effect is committed |
//! | `publish.before`, `publish.after` | the append of events |
//! | `provider.before-charge`, `provider.after-charge` | a charge |
//! | `provider.before-refund`, `provider.after-refund` | a refund |
//! | `product.hold` | a product actor is asked for stock |
//! | `http.handler.ROUTE` | a request was admitted, e.g. `http.handler./orders` |

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The action of a failpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = FaultAction)]
pub enum Action {
    /// SIGKILL to this process.
    Kill,
    /// A panic in the code that passes.
    Panic,
    /// SIGSTOP to this process: it hangs until it gets SIGCONT.
    Stop,
}

/// An armed failpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ArmedFailpoint)]
pub struct Armed {
    /// The name, as in the table of failpoints.
    pub name: String,
    /// The passage at which it fires, counted from now, from 1.
    pub nth: u32,
    /// The action at that passage.
    pub action: Action,
}

/// Failpoints are absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this build has no failpoints: build with --features failpoints")]
pub struct NotBuiltIn;

/// A malformed failpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` must be NAME:NTH or NAME:NTH:ACTION, with an NTH from 1 and an ACTION of kill, panic or stop")]
pub struct Malformed(String);

impl FromStr for Armed {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = || Malformed(text.to_owned());
        let mut parts = text.split(':');
        let name = parts.next().filter(|name| !name.is_empty()).ok_or_else(malformed)?;
        let nth =
            parts.next().and_then(|nth| nth.parse().ok()).filter(|nth| *nth > 0).ok_or_else(malformed)?;
        let action = match parts.next() {
            None | Some("kill") => Action::Kill,
            Some("panic") => Action::Panic,
            Some("stop") => Action::Stop,
            Some(_) => return Err(malformed()),
        };
        if parts.next().is_some() {
            Err(malformed())
        } else {
            Ok(Self { name: name.to_owned(), nth, action })
        }
    }
}

impl fmt::Display for Armed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{:?}", self.name, self.nth, self.action)
    }
}

/// A failpoint that was passed since the process started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PassedFailpoint)]
pub struct Passed {
    /// The name of the failpoint.
    pub name: String,
    /// Passages since the start.
    pub times: u64,
}

#[cfg(not(feature = "failpoints"))]
mod points {
    use super::{Armed, NotBuiltIn, Passed};

    #[inline(always)]
    pub fn pass(_: &'static str, _: &str) {}

    pub fn arm(_: Armed) -> Result<(), NotBuiltIn> {
        Err(NotBuiltIn)
    }

    pub fn disarm_all() {}

    #[must_use]
    pub fn report() -> (Vec<Passed>, Vec<Armed>) {
        (Vec::new(), Vec::new())
    }
}

#[cfg(feature = "failpoints")]
mod points {
    use std::{
        collections::BTreeMap,
        sync::{Mutex, MutexGuard, PoisonError},
    };

    use nix::{
        sys::signal::{Signal, kill},
        unistd::Pid,
    };

    use super::{Action, Armed, NotBuiltIn, Passed};

    static REGISTRY: Mutex<Registry> = Mutex::new(Registry { passed: BTreeMap::new(), armed: Vec::new() });

    struct Registry {
        passed: BTreeMap<String, u64>,
        armed: Vec<Armed>,
    }

    /// Passes `point`, or `point.of` if `of` has text.
    pub fn pass(point: &'static str, of: &str) {
        let name = if of.is_empty() { point.to_owned() } else { format!("{point}.{of}") };
        let Some(action) = registry().count_passage(&name) else { return };
        tracing::warn!(failpoint = %name, ?action, "failpoint fires");
        match action {
            Action::Kill => _ = kill(Pid::this(), Signal::SIGKILL),
            Action::Stop => _ = kill(Pid::this(), Signal::SIGSTOP),
            Action::Panic => panic!("failpoint {name}"),
        }
    }

    impl Registry {
        fn count_passage(&mut self, name: &str) -> Option<Action> {
            match self.passed.get_mut(name) {
                Some(times) => *times += 1,
                None => _ = self.passed.insert(name.to_owned(), 1),
            }
            let at = self.armed.iter().position(|armed| armed.name == name)?;
            self.armed[at].nth -= 1;
            (self.armed[at].nth == 0).then(|| self.armed.remove(at).action)
        }
    }

    /// Arms a failpoint.
    pub fn arm(armed: Armed) -> Result<(), NotBuiltIn> {
        tracing::warn!(failpoint = %armed, "failpoint armed");
        registry().armed.push(armed);
        Ok(())
    }

    /// Disarms all failpoints.
    pub fn disarm_all() {
        registry().armed.clear();
    }

    /// The passed and the armed failpoints.
    #[must_use]
    pub fn report() -> (Vec<Passed>, Vec<Armed>) {
        let registry = registry();
        let passed = registry.passed.iter().map(|(name, times)| Passed { name: name.clone(), times: *times });
        (passed.collect(), registry.armed.clone())
    }

    fn registry() -> MutexGuard<'static, Registry> {
        REGISTRY.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub use points::{arm, disarm_all, pass, report};

/// Arms the failpoints in `FAILPOINT`. A build without failpoints fails: an impossible rehearsal must be
/// visible.
pub fn arm_from_environment() -> Result<(), String> {
    let Ok(text) = std::env::var("FAILPOINT") else { return Ok(()) };
    for one in text.split(',').filter(|one| !one.is_empty()) {
        let armed = one.parse::<Armed>().map_err(|error| format!("FAILPOINT: {error}"))?;
        arm(armed).map_err(|error| format!("FAILPOINT: {error}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failpoint_is_named_counted_and_told_what_to_do() {
        let armed = |name: &str, nth, action| Armed { name: name.to_owned(), nth, action };
        assert_eq!("commit.after.stock:3".parse(), Ok(armed("commit.after.stock", 3, Action::Kill)));
        assert_eq!("http.handler:1:panic".parse(), Ok(armed("http.handler", 1, Action::Panic)));
        for wrong in ["", "name", "name:0", "name:x", ":1", "name:1:explode", "name:1:kill:more"] {
            assert!(wrong.parse::<Armed>().is_err(), "{wrong}");
        }
    }

    #[cfg(feature = "failpoints")]
    #[test]
    fn it_fires_once_at_the_passage_it_was_armed_for() {
        arm(Armed { name: "test.here".to_owned(), nth: 2, action: Action::Panic })
            .expect("this build has failpoints");
        pass("test", "here");
        assert!(std::panic::catch_unwind(|| pass("test", "here")).is_err(), "the second passage");
        pass("test", "here");
    }
}
