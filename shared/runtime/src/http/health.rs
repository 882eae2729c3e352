use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{self, Data},
};
use serde_json::json;

use crate::{
    recovery::{self, Recovery},
    shutdown::Shutdown,
};

/// The checks behind `/readyz`, updated by the operations actor.
#[derive(Debug, Clone)]
pub struct Readiness {
    service: &'static str,
    shutdown: Shutdown,
    checks: Arc<Mutex<BTreeMap<&'static str, Check>>>,
}

#[derive(Debug, Clone)]
struct Check {
    required: bool,
    state: State,
    failing_since: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Unknown,
    Well,
    Failing,
}

impl Check {
    fn new(required: bool, state: State) -> Self {
        Self { required, state, failing_since: None }
    }
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "waiting for the first check",
            Self::Well => "ok",
            Self::Failing => "failing; the log has the reason",
        }
    }
}

impl Readiness {
    /// Unready until each check in `required` has reported success.
    pub fn new(service: &'static str, shutdown: Shutdown, required: &[&'static str]) -> Self {
        let unknown = |name: &&'static str| (*name, Check::new(true, State::Unknown));
        Self { service, shutdown, checks: Arc::new(Mutex::new(required.iter().map(unknown).collect())) }
    }

    /// `None` is success. Failures outside `required` leave the service ready. The reason goes to the log: it may
    /// name addresses, and everybody may ask.
    pub fn report(&self, name: &'static str, failure: Option<String>) {
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        let check = checks.entry(name).or_insert(Check::new(false, State::Well));
        let state = if failure.is_some() { State::Failing } else { State::Well };
        match &failure {
            Some(why) if check.state != state => {
                tracing::warn!(check = name, %why, "a check of /readyz fails");
                check.failing_since = Some(Instant::now());
                recovery::record(Recovery::CheckFailed { check: name });
            }
            None if check.state == State::Failing => {
                tracing::info!(check = name, "a check of /readyz succeeds again");
                let after_seconds = check.failing_since.map_or(0.0, |since| since.elapsed().as_secs_f64());
                recovery::record(Recovery::CheckSucceeded { check: name, after_seconds });
            }
            _ => {}
        }
        check.state = state;
    }

    /// Whether a load balancer should send requests.
    pub fn is_ready(&self) -> bool {
        let checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        !self.shutdown.has_begun()
            && !checks.values().any(|check| check.required && check.state != State::Well)
    }

    pub(super) fn is_ending(&self) -> bool {
        self.shutdown.has_begun()
    }

    fn answer(&self) -> HttpResponse {
        let ready = self.is_ready();
        let checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        let mut shown: BTreeMap<&str, &str> =
            checks.iter().map(|(name, check)| (*name, check.state.as_str())).collect();
        if self.shutdown.has_begun() {
            shown.insert("process", "shutting down");
        }
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let word = match ready {
            false => "not ready",
            true if checks.values().any(|check| check.state != State::Well) => "degraded",
            true => "ready",
        };
        let mut response = HttpResponse::build(status);
        if !ready {
            response.insert_header(("retry-after", "1"));
        }
        response.json(json!({"status": word, "service": self.service, "checks": shown}))
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .service(web::resource("/livez").get(async || HttpResponse::Ok().json(json!({"status": "alive"}))))
        .service(web::resource("/readyz").get(async |readiness: Data<Readiness>| readiness.answer()))
        .service(web::resource("/health").get(health));
}

/// Whether `path` skips admission and spans.
pub(super) fn is_health_check(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz" | "/health")
}

async fn health(readiness: Data<Readiness>) -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "healthy", "service": readiness.service}))
}
