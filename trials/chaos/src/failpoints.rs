//! Steps of the services' work at which a process can be killed.

use ctl::stack::Kind;
use events::consumed_by;

const STREAM_STEPS: [&str; 3] = ["consumer.after-read", "handler.start", "consumer.before-ack"];
const COMMIT_STEPS: [&str; 2] = ["commit.before", "commit.after"];
const PUBLISH_STEPS: [&str; 2] = ["publish.before", "publish.after"];
const PROVIDER_STEPS: [&str; 4] =
    ["provider.before-charge", "provider.after-charge", "provider.before-refund", "provider.after-refund"];

#[must_use]
pub fn of(kind: Kind) -> Vec<String> {
    let writers: &[&str] = match kind {
        Kind::User => return Vec::new(),
        Kind::Inventory => &["stock"],
        Kind::Payment => {
            &["place-orders", "settle-charges", "apply-outcomes", "provider-charges", "provider-refunds"]
        }
    };
    let streams: Vec<&str> = consumed_by(kind.name()).map(|route| route.stream).collect();
    let of_each = |steps: &'static [&str], things: &[&str]| -> Vec<String> {
        steps.iter().flat_map(|step| things.iter().map(move |thing| format!("{step}.{thing}"))).collect()
    };
    let mut names = [of_each(&STREAM_STEPS, &streams), of_each(&COMMIT_STEPS, writers)].concat();
    names.extend(PUBLISH_STEPS.map(str::to_owned));
    if kind == Kind::Payment {
        names.extend(PROVIDER_STEPS.map(str::to_owned));
    }
    names
}

#[must_use]
pub fn all() -> Vec<(Kind, String)> {
    [Kind::Payment, Kind::Inventory]
        .into_iter()
        .flat_map(|kind| of(kind).into_iter().map(move |name| (kind, name)))
        .collect()
}

/// Steps at which a consumer of inventory becomes a zombie.
#[must_use]
pub fn of_a_consumer() -> Vec<String> {
    let steps =
        ["consumer.after-read.order_completed", "handler.start.order_completed", "commit.before.stock"];
    let later = ["commit.after.stock", "consumer.before-ack.order_completed"];
    steps.iter().chain(&later).map(|name| (*name).to_owned()).collect()
}
