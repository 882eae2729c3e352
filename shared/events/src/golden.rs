//! Golden files, one per event version, stay readable for ever. The test of each is beside its event.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{Envelope, Event, MoneyData, StockReserved};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// By event type.
fn golden_files() -> BTreeMap<String, Map<String, Value>> {
    let entries = fs::read_dir(folder().join("tests/golden")).expect("the folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let read = |path: PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("readable");
        (name, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    };
    paths.map(read).collect()
}

fn read(golden: &Map<String, Value>) -> Envelope {
    Envelope::from_json(&Value::Object(golden.clone()).to_string()).expect("an envelope")
}

/// Decodes the golden file of `E` and encodes it again.
pub(crate) fn read_and_write<E: Event>() -> E {
    let golden = golden_files().remove(E::TYPE).unwrap_or_else(|| panic!("no golden file for {}", E::TYPE));
    let envelope = read(&golden);
    let event: E = envelope.decode().expect("its data");
    assert_eq!(event.subject(), envelope.subject);
    let written = Envelope { data: serde_json::to_string(&event).expect("JSON"), ..envelope };
    let written: Value = serde_json::from_str(&written.to_json()).expect("JSON");
    assert_eq!(written, Value::Object(golden), "what is written today is what was written then");
    event
}

pub(crate) fn id(last: u8) -> Uuid {
    format!("01920000-0000-7000-8000-0000000000{last:02x}").parse().expect("a UUID")
}

pub(crate) fn euro(amount: i64) -> MoneyData {
    MoneyData { amount, currency: "EUR".to_owned() }
}

#[test]
fn attributes_and_fields_from_the_future_are_ignored() {
    let mut golden = golden_files().remove(StockReserved::TYPE).expect("a file");
    golden.insert("tenant".to_owned(), "a new attribute".into());
    golden["data"]["warehouse"] = "a new field".into();
    let envelope = read(&golden);
    assert_eq!(envelope.decode::<StockReserved>().expect("its data"), read_and_write::<StockReserved>());
}

#[test]
fn a_customer_who_waits_is_named_in_the_event_and_in_its_reply() {
    let golden = golden_files().remove(StockReserved::TYPE).expect("a file");
    let awaited = Envelope { awaited: true, ..read(&golden) };
    let read = Envelope::from_json(&awaited.to_json()).expect("an envelope");
    assert_eq!(read, awaited);
    let event: StockReserved = read.decode().expect("its data");
    assert!(read.reply(&event, "inventory").awaited);
}

#[test]
fn a_document_that_is_no_event_says_what_is_wrong() {
    for (text, why) in
        [("{", "EOF"), ("[]", "expected"), ("{\"id\":\"x\"}", "UUID"), ("{}", "missing field `id`")]
    {
        let error = Envelope::from_json(text).expect_err(text).to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn the_examples_in_docs_events_are_the_golden_files() {
    let page = fs::read_to_string(folder().join("../../docs/events.md")).expect("docs/events.md");
    let blocks = page.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    let shown: Vec<Value> = blocks
        .map(|json| serde_json::from_str(json).unwrap_or_else(|error| panic!("{error} in:\n{json}")))
        .collect();
    for (name, golden) in golden_files() {
        let example = shown.iter().find(|block| block["type"] == name.as_str());
        let example = example
            .unwrap_or_else(|| panic!("docs/events.md has no ```json block with \"type\": \"{name}\""));
        assert_eq!(*example, Value::Object(golden), "the example of {name} in docs/events.md");
    }
}

#[test]
fn every_event_has_a_golden_file_and_every_golden_file_an_event() {
    let sources = fs::read_dir(folder().join("src")).expect("the folder");
    let mut types = BTreeSet::new();
    for source in sources {
        let text = fs::read_to_string(source.expect("an entry").path()).expect("readable");
        let found = text.lines().filter_map(|line| line.trim().strip_prefix("const TYPE: &'static str = \""));
        types.extend(found.map(|rest| rest.trim_end_matches("\";").to_owned()));
    }
    assert_eq!(golden_files().into_keys().collect::<BTreeSet<_>>(), types);
}
