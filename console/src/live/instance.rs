use crate::{
    api::{ApiError, Call, Credentials, Service, operations},
    session::Caller,
};

/// A process of a service.
#[derive(Debug, Clone)]
pub struct Instance {
    pub service: Service,
    pub number: usize,
    /// Host and port.
    pub address: String,
    pub readiness: Readiness,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Readiness {
    Ready,
    /// It works, and names the checks that fail.
    Degraded(Vec<String>),
    NotReady(Vec<String>),
    Silent(String),
}

impl Instance {
    pub async fn look(caller: &Caller, service: Service, number: usize) -> Self {
        let url = &caller.api.instances(service)[number];
        let address = url.origin().ascii_serialization();
        let address = address.split_once("://").map_or(address.as_str(), |(_, host)| host).to_owned();
        let readiness = match ask(caller, operations::readiness(service, number)).await {
            Ok(answer) => Readiness::of(&answer),
            Err(error) => Readiness::Silent(error.to_string()),
        };
        Self { service, number: number + 1, address, readiness }
    }
}

/// A 503 has a body, too.
async fn ask(caller: &Caller, call: Call<operations::Readiness>) -> Result<operations::Readiness, ApiError> {
    let response = caller.api.ask(&call, &Credentials::default()).await?;
    response.json().await.map_err(|error| ApiError::not_understood(call.service, &error))
}

impl Readiness {
    fn of(answer: &operations::Readiness) -> Self {
        let failing = answer.checks.iter().filter(|(_, state)| *state != "ok");
        let failing = failing.map(|(check, state)| format!("{check}: {state}")).collect();
        match answer.status.as_str() {
            "ready" => Self::Ready,
            "degraded" => Self::Degraded(failing),
            _ => Self::NotReady(failing),
        }
    }

    /// A name for the style sheet.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Ready => "well",
            Self::Degraded(_) => "late",
            Self::NotReady(_) | Self::Silent(_) => "down",
        }
    }

    pub fn words(&self) -> String {
        match self {
            Self::Ready => "ready".to_owned(),
            Self::Degraded(failing) => format!("degraded ({})", failing.join("; ")),
            Self::NotReady(failing) => format!("not ready ({})", failing.join("; ")),
            Self::Silent(why) => why.clone(),
        }
    }
}
