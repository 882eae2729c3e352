//! Break something, where the services allow it, and watch the recovery.

use actix_web::HttpResponse;
use askama::Template;
use serde::Deserialize;

use crate::{
    answer::{page, see},
    api::{
        Service,
        faults::{self, Faults},
    },
    failure::Failure,
    frame::{Frame, Place},
    session::CallError,
    viewer::{Admin, Change, Nothing},
};

#[derive(Template)]
#[template(path = "faults.html")]
struct FaultsPage {
    frame: Frame,
    targets: Vec<Target>,
    /// A service that publishes allows faults.
    can_lose: bool,
}

/// An instance that can be broken, or the reason why not.
struct Target {
    service: Service,
    number: usize,
    streams: Vec<&'static str>,
    faults: Result<Faults, String>,
}

#[derive(Deserialize)]
pub struct FaultForm {
    service: String,
    /// From 1.
    instance: usize,
    fault: Fault,
    /// A stream, or the name of a failpoint.
    #[serde(default)]
    at: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Fault {
    PanicConsumer,
    Kill,
    Disarm,
}

pub async fn show(admin: Admin) -> Result<HttpResponse, Failure> {
    let mut targets = Vec::new();
    for service in Service::ALL {
        for instance in 0..admin.instances(service) {
            targets.push(Target::look(&admin, service, instance).await?);
        }
    }
    let can_lose = targets.iter().any(|target| target.service.publishes() && target.faults.is_ok());
    page(FaultsPage { frame: admin.frame(Place::Faults, "Break something"), targets, can_lose }.render())
}

pub async fn inject(change: Change<FaultForm>) -> Result<HttpResponse, Failure> {
    let Change { viewer, form: FaultForm { service, instance, fault, at } } = change;
    let admin = viewer.into_admin()?;
    let service = Service::named(&service).ok_or(Failure::NotFound)?;
    let index = instance.checked_sub(1).ok_or(Failure::NotFound)?;
    let (call, told) = match fault {
        Fault::PanicConsumer => (
            faults::panic_consumer(service, index, &at),
            format!("The consumer of {at} panics at its next batch."),
        ),
        Fault::Kill => {
            (faults::arm(service, index, &at, "kill"), format!("{service} dies when it next passes {at}."))
        }
        Fault::Disarm => (faults::disarm(service, index), "No failpoint is armed any more.".to_owned()),
    };
    admin.act(call).await?;
    admin.session.tell(told);
    let then = if fault == Fault::Disarm { Place::Faults } else { Place::Streams };
    Ok(see(&admin.site.base, then.path()))
}

/// Redis is of all services: each loses what it publishes.
pub async fn lose_streams(change: Change<Nothing>) -> Result<HttpResponse, Failure> {
    let admin = change.viewer.into_admin()?;
    for service in Service::ALL.into_iter().filter(|service| service.publishes()) {
        admin.act(faults::lose_streams(service)).await?;
    }
    admin.session.tell("Redis has lost the streams. What had no end yet is published again.".to_owned());
    Ok(see(&admin.site.base, Place::Streams.path()))
}

impl Target {
    async fn look(admin: &Admin, service: Service, instance: usize) -> Result<Self, Failure> {
        let faults = match admin.read(faults::show(service, instance)).await {
            Ok(faults) => Ok(faults),
            Err(CallError::SessionEnded) => return Err(Failure::LoginNeeded),
            Err(CallError::Api(error)) => Err(error.to_string()),
        };
        let streams = events::consumed_by(service.name()).map(|route| route.stream).collect();
        Ok(Self { service, number: instance + 1, streams, faults })
    }
}
