use std::time::Instant;

use futures_util::future::{join_all, join3, join4};
use jiff::Timestamp;

use super::{
    edge::Edge,
    instance::Instance,
    pace::{At, Pace, Paces},
    part::Part,
    reading::Reading,
};
use crate::{
    api::{
        Service,
        operations::{self, Happened, Outbox, Recovery, Stream, Streams},
    },
    session::{CallError, Caller},
    text::Moment,
};

/// The recoveries of all instances that a page shows.
const SHOWN: usize = 50;

/// One look at all instances.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub at: Moment,
    pub instances: Vec<Instance>,
    pub edges: Vec<Edge>,
    /// One for each part.
    pub paces: Vec<Pace>,
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
    pub async fn take(caller: &Caller, paces: &mut Paces, late_after: f64) -> Result<Self, CallError> {
        let all: Vec<(Service, usize)> = Service::ALL
            .into_iter()
            .flat_map(|service| (0..caller.instances(service)).map(move |number| (service, number)))
            .collect();
        let instances = all.iter().map(|(service, number)| Instance::look(caller, *service, *number));
        let recoveries = all.iter().map(|(service, number)| recoveries(caller, *service, *number));
        let metrics = all.iter().map(|at| metrics(caller, *at));
        let (instances, recoveries, metrics, (streams, outbox)) =
            join4(join_all(instances), join_all(recoveries), join_all(metrics), streams(caller)).await;
        let at = Moment(Timestamp::now());
        let [by_inventory, by_payment] = streams.map(known);
        let (by_inventory, by_payment) = (by_inventory?, by_payment?);
        let edges = events::ROUTES.iter().map(|route| {
            let read = if route.consumer == "inventory" { &by_inventory } else { &by_payment };
            Edge::new(route, read.as_deref(), late_after)
        });
        let edges: Vec<Edge> = edges.collect();
        let outbox = known(outbox)?;
        let mut readings = Vec::new();
        for (at, reading) in metrics {
            readings.extend(known(reading)?.map(|reading| (at, reading)));
        }
        let paces = paces
            .take(Instant::now(), at.0.as_millisecond() as f64 / 1000.0, readings, late_after)
            .into_iter()
            .map(|pace| match pace.part {
                Part::End => pace.of_outbox(outbox.as_ref()),
                Part::Stream(stream) => match edges.iter().find(|edge| edge.stream == stream) {
                    Some(edge) => pace.of_stream(edge),
                    None => pace,
                },
                Part::Post | Part::Charge | Part::Stock => pace,
            });
        Ok(Self {
            at,
            instances,
            paces: paces.collect(),
            edges,
            streams: by_inventory.into_iter().chain(by_payment).flatten().collect(),
            recoveries: newest(recoveries)?,
        })
    }

    pub fn edge(&self, stream: &str) -> Option<&Edge> {
        self.edges.iter().find(|edge| edge.stream == stream)
    }

    pub fn pace(&self, part: &str) -> Option<&Pace> {
        self.paces.iter().find(|pace| pace.part.name() == part)
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

async fn metrics(caller: &Caller, at: At) -> (At, Read<Reading>) {
    let (service, number) = at;
    let text = caller.read_text(operations::metrics(service, number)).await;
    (at, text.map(|text| Reading::parse(&text)))
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
