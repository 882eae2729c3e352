use futures_util::future::{join_all, join3};
use jiff::Timestamp;

use super::{edge::Edge, instance::Instance};
use crate::{
    api::{
        Service,
        operations::{self, Happened, Outbox, Recovery, Stream, Streams},
    },
    session::{CallError, Caller},
    text::{Moment, Seconds},
};

/// The recoveries of all instances that a page shows.
const SHOWN: usize = 50;
/// After a longer gap the curves begin anew.
const LONGEST_GAP: f64 = 10.0;

/// One look at all instances.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub at: Moment,
    pub instances: Vec<Instance>,
    /// Of payment: events whose effect is not known yet. `None` if payment does not answer.
    pub outbox: Option<Outbox>,
    pub edges: Vec<Edge>,
    /// Partition by partition.
    pub streams: Vec<Stream>,
    /// Newest first.
    pub recoveries: Vec<Recovered>,
}

/// A recovery, and the process that tells it.
#[derive(Debug, Clone)]
pub struct Recovered {
    pub id: String,
    pub at: Moment,
    pub service: Service,
    pub number: usize,
    pub happened: Happened,
}

impl Snapshot {
    pub async fn take(caller: &Caller, before: Option<&Self>, late_after: f64) -> Result<Self, CallError> {
        let all: Vec<(Service, usize)> = Service::ALL
            .into_iter()
            .flat_map(|service| (0..caller.instances(service)).map(move |number| (service, number)))
            .collect();
        let instances = all.iter().map(|(service, number)| Instance::look(caller, *service, *number));
        let recoveries = all.iter().map(|(service, number)| recoveries(caller, *service, *number));
        let (instances, recoveries, (streams, outbox)) =
            join3(join_all(instances), join_all(recoveries), streams(caller)).await;
        let at = Moment(Timestamp::now());
        let before = before.filter(|before| Seconds::between(before.at, at).0 < LONGEST_GAP);
        let [by_inventory, by_payment] = streams.map(known);
        let (by_inventory, by_payment) = (by_inventory?, by_payment?);
        let edges = events::ROUTES.iter().map(|route| {
            let read = if route.consumer == "inventory" { &by_inventory } else { &by_payment };
            let before = before.and_then(|before| before.edge(route.stream));
            Edge::new(route, read.as_deref(), before, late_after)
        });
        Ok(Self {
            at,
            instances,
            outbox: known(outbox)?,
            edges: edges.collect(),
            streams: by_inventory.into_iter().chain(by_payment).flatten().collect(),
            recoveries: newest(recoveries)?,
        })
    }

    pub fn edge(&self, stream: &str) -> Option<&Edge> {
        self.edges.iter().find(|edge| edge.stream == stream)
    }

    /// The partitions of a stream.
    pub fn parts_of(&self, stream: &str) -> Vec<&Stream> {
        let is_part =
            |part: &&Stream| events::route_of(&part.stream).is_some_and(|route| route.stream == stream);
        self.streams.iter().filter(is_part).collect()
    }

    pub fn of_service(&self, name: &str) -> Vec<&Instance> {
        self.instances.iter().filter(|instance| instance.service.name() == name).collect()
    }
}

/// A service that does not answer leaves a hole in the picture. The end of the session ends the look.
fn known<T>(answer: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(CallError::SessionEnded) => Err(CallError::SessionEnded),
        Err(CallError::Api(_)) => Ok(None),
    }
}

type Read<T> = Result<T, CallError>;

/// The streams that inventory and payment read, and the outbox of payment.
async fn streams(caller: &Caller) -> ([Read<Vec<Stream>>; 2], Read<Outbox>) {
    let of =
        async |service| caller.read(operations::streams(service)).await.map(|Streams { streams }| streams);
    let outbox = caller.read(operations::outbox(Service::Payment));
    let (inventory, payment, outbox) = join3(of(Service::Inventory), of(Service::Payment), outbox).await;
    ([inventory, payment], outbox)
}

async fn recoveries(caller: &Caller, service: Service, number: usize) -> Read<Vec<Recovered>> {
    let page = caller.read(operations::recoveries(service, number)).await?;
    let told = |Recovery { id, at, happened }| Recovered { id, at, service, number: number + 1, happened };
    Ok(page.data.into_iter().map(told).collect())
}

fn newest(recoveries: Vec<Read<Vec<Recovered>>>) -> Read<Vec<Recovered>> {
    let mut all = Vec::new();
    for told in recoveries {
        all.extend(known(told)?.unwrap_or_default());
    }
    all.sort_unstable_by(|one, other| other.id.cmp(&one.id));
    all.truncate(SHOWN);
    Ok(all)
}
