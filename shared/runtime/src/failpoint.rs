//! Failpoints: places in the code at which a process can be made to die, to panic or to stand still, so that
//! a rehearsal hits the very moment it means.
//!
//! They exist in builds with the feature `failpoints` only; in any other, [`pass`] is empty. One is armed by
//! `FAILPOINT=NAME:NTH[:ACTION]` (several with commas) when the process starts, or by `POST /ops/faults`
//! while it runs, and fires once, at the NTH passage after that.
//!
//! | name | where |
//! | --- | --- |
//! | `consumer.after-read.STREAM` | a batch was read, nothing was done with it |
//! | `handler.start.STREAM` | the batch is about to be handled |
//! | `commit.before.WRITER`, `commit.after.WRITER` | around the one transaction of a batch; after: nobody knows of it yet |
//! | `consumer.before-ack.STREAM` | the effect is committed, the entries are not acknowledged |
//! | `publish.before`, `publish.after` | around the append of events; after: nobody knows that it happened yet |
//! | `provider.before-charge`, `provider.after-charge`, `provider.before-refund`, `provider.after-refund` | around the payment provider |
//! | `product.hold` | a product actor is asked for stock |
//! | `http.handler.ROUTE` | a request was admitted, e.g. `http.handler./orders` |

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What happens at a failpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// SIGKILL to this process.
    Kill,
    /// The code that passes panics.
    Panic,
    /// SIGSTOP to this process: a zombie, until somebody sends SIGCONT.
    Stop,
}

/// A failpoint that will fire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Armed {
    pub name: String,
    /// At which passage from now, from 1.
    pub nth: u32,
    pub action: Action,
}

/// This build has no failpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this build has no failpoints: build with --features failpoints")]
pub struct NotBuiltIn;

/// A failpoint as `NAME:NTH[:ACTION]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not NAME:NTH or NAME:NTH:ACTION with an NTH from 1 and an ACTION of kill, panic or stop")]
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
pub struct Passed {
    pub name: String,
    pub times: u64,
}

#[cfg(not(feature = "failpoints"))]
mod points {
    use super::{Armed, NotBuiltIn, Passed};

    /// Nothing: this build has no failpoints.
    #[inline(always)]
    pub fn pass(_: &'static str, _: &str) {}

    /// # Errors
    /// Always: [`NotBuiltIn`].
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

    /// The failpoint `point`, or `point.of` where there are several of it.
    ///
    /// # Panics
    /// When it is armed to.
    pub fn pass(point: &'static str, of: &str) {
        let name = if of.is_empty() { point.to_owned() } else { format!("{point}.{of}") };
        let Some(action) = registry().count_passage(&name) else { return };
        tracing::warn!(failpoint = %name, ?action, "a failpoint fires");
        match action {
            Action::Kill => _ = kill(Pid::this(), Signal::SIGKILL),
            Action::Stop => _ = kill(Pid::this(), Signal::SIGSTOP),
            Action::Panic => panic!("failpoint {name}"),
        }
    }

    impl Registry {
        /// Counts a passage; what happens at this one.
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

    /// # Errors
    /// Never in this build.
    pub fn arm(armed: Armed) -> Result<(), NotBuiltIn> {
        tracing::warn!(failpoint = %armed, "armed");
        registry().armed.push(armed);
        Ok(())
    }

    pub fn disarm_all() {
        registry().armed.clear();
    }

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

/// Arms what the environment variable `FAILPOINT` asks for.
///
/// # Errors
/// What is wrong with it, or that this build has none: a rehearsal that cannot happen must not look like one
/// that went well.
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
