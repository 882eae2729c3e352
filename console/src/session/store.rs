use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{Session, random_id};

/// The logins by cookie.
pub struct Sessions {
    open: Mutex<HashMap<String, Open>>,
    limit: usize,
    idle: Duration,
}

struct Open {
    session: Arc<Session>,
    used: Instant,
}

impl Sessions {
    /// At most `limit`; each ends `idle` after its last request.
    pub fn new(limit: usize, idle: Duration) -> Self {
        Self { open: Mutex::default(), limit, idle }
    }

    /// Returns the value of the cookie. The least recently used session makes room.
    pub fn begin(&self, session: Session) -> String {
        let id = random_id();
        let mut open = self.lock();
        open.retain(|_, other| other.used.elapsed() < self.idle);
        if open.len() >= self.limit {
            let oldest = open.iter().min_by_key(|(_, other)| other.used).map(|(id, _)| id.clone());
            oldest.into_iter().for_each(|id| _ = open.remove(&id));
        }
        open.insert(id.clone(), Open { session: Arc::new(session), used: Instant::now() });
        id
    }

    /// Counts as a use.
    pub fn find(&self, id: &str) -> Option<Arc<Session>> {
        let mut open = self.lock();
        let found = open.get_mut(id).filter(|found| found.used.elapsed() < self.idle)?;
        found.used = Instant::now();
        Some(Arc::clone(&found.session))
    }

    /// Does not count as a use: a page that shows live figures does not keep its login alive.
    pub fn is_open(&self, id: &str) -> bool {
        self.lock().get(id).is_some_and(|found| found.used.elapsed() < self.idle)
    }

    /// An ADMIN that is logged in, with the value of the cookie.
    pub fn any_admin(&self) -> Option<(String, Arc<Session>)> {
        let open = self.lock();
        let mut alive = open.iter().filter(|(_, found)| found.used.elapsed() < self.idle);
        let (id, found) = alive.find(|(_, found)| found.session.account().is_admin())?;
        Some((id.clone(), Arc::clone(&found.session)))
    }

    pub fn end(&self, id: &str) {
        self.lock().remove(id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_session_makes_room() {
        let sessions = Sessions::new(2, Duration::from_secs(60));
        let first = sessions.begin(Session::example());
        let second = sessions.begin(Session::example());
        sessions.find(&first).expect("it is open");
        let third = sessions.begin(Session::example());
        assert_eq!([&first, &second, &third].map(|id| sessions.is_open(id)), [true, false, true]);
    }

    #[test]
    fn an_idle_session_ends() {
        let sessions = Sessions::new(2, Duration::ZERO);
        let id = sessions.begin(Session::example());
        assert!(sessions.find(&id).is_none() && !sessions.is_open(&id));
    }

    #[test]
    fn an_id_has_256_random_bits() {
        let sessions = Sessions::new(2, Duration::from_secs(60));
        let ids = [sessions.begin(Session::example()), sessions.begin(Session::example())];
        assert!(ids[0] != ids[1] && ids.iter().all(|id| id.len() == 64), "{ids:?}");
    }
}
