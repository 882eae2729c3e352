//! Many dead letters at once, as a job of the session that asked for it.
//!
//! Guarantee: a session has one job at a time, which goes on without a page that shows it, and ends with the
//! session. It takes no letter that came after its begin: what it redrives may fail again and come back.

mod job;
mod run;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub use job::{Act, Job, Progress, Scope};
pub use run::run;

use crate::session::Sessions;

/// The last job of each session, by its cookie.
#[derive(Default)]
pub struct Jobs(Mutex<HashMap<String, Arc<Job>>>);

impl Jobs {
    /// `None` while another job of the session goes on.
    pub fn begin(&self, sessions: &Sessions, cookie: &str, job: Job) -> Option<Arc<Job>> {
        let mut jobs = self.lock();
        jobs.retain(|cookie, _| sessions.is_open(cookie));
        if jobs.get(cookie).is_some_and(|job| !job.progress().is_over()) {
            return None;
        }
        let job = Arc::new(job);
        jobs.insert(cookie.to_owned(), Arc::clone(&job));
        Some(job)
    }

    pub fn of(&self, cookie: &str) -> Option<Arc<Job>> {
        self.lock().get(cookie).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Job>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
