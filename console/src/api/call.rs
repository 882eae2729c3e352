use std::{fmt, marker::PhantomData, time::Duration};

use reqwest::Method;
use serde_json::Value;

/// Above the `request-timeout` of the services, 5 s: their answer says more than a timeout here.
const PATIENCE: Duration = Duration::from_secs(8);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    User,
    Inventory,
    Payment,
}

impl Service {
    pub const ALL: [Self; 3] = [Self::User, Self::Inventory, Self::Payment];

    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Inventory => "inventory",
            Self::Payment => "payment",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }

    /// Whether it has streams to lose.
    pub fn publishes(self) -> bool {
        events::published_by(self.name()).next().is_some()
    }

    /// The service whose group reads `stream`, which may be a partition.
    pub fn reading(stream: &str) -> Option<Self> {
        events::route_of(stream).and_then(|route| Self::named(route.consumer))
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A request whose answer holds a `T`.
pub struct Call<T> {
    pub service: Service,
    /// `None`: the first instance that can be reached.
    pub instance: Option<usize>,
    pub method: Method,
    /// Unescaped.
    pub path: Vec<String>,
    pub query: Vec<(&'static str, String)>,
    pub headers: Vec<(&'static str, String)>,
    pub body: Option<Value>,
    pub within: Duration,
    answer: PhantomData<fn() -> T>,
}

impl<T> Call<T> {
    pub fn new<const N: usize>(method: Method, service: Service, path: [&str; N]) -> Self {
        Self {
            service,
            instance: None,
            method,
            path: path.map(str::to_owned).into(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            within: PATIENCE,
            answer: PhantomData,
        }
    }

    pub fn get<const N: usize>(service: Service, path: [&str; N]) -> Self {
        Self::new(Method::GET, service, path)
    }

    pub fn post<const N: usize>(service: Service, path: [&str; N], body: Value) -> Self {
        Self::new(Method::POST, service, path).json(body)
    }

    #[must_use]
    pub fn json(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    #[must_use]
    pub fn at(self, instance: usize) -> Self {
        Self { instance: Some(instance), ..self }
    }

    #[must_use]
    pub fn within(self, within: Duration) -> Self {
        Self { within, ..self }
    }

    /// Skips an empty value: a form sends its empty fields too.
    #[must_use]
    pub fn query(mut self, name: &'static str, value: &str) -> Self {
        if !value.is_empty() {
            self.query.push((name, value.to_owned()));
        }
        self
    }

    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
