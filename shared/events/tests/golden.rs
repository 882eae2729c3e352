//! Golden files, one per event version, stay readable for ever.

use std::{collections::BTreeMap, path::PathBuf};

use events::{
    Envelope, Event, MoneyData, OrderCompleted, OrderedItem, ProductChanged, RefundOrder, RefundReason,
    ReservedItem, ShortItem, StockReserved,
};
use serde_json::{Map, Value};
use uuid::Uuid;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// By event type.
fn golden_files() -> BTreeMap<String, Map<String, Value>> {
    let entries = std::fs::read_dir(folder().join("tests/golden")).expect("the folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let read = |path: PathBuf| {
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("readable");
        (name, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
    };
    paths.map(read).collect()
}

fn read(golden: &Map<String, Value>) -> Envelope {
    Envelope::from_json(&Value::Object(golden.clone()).to_string()).expect("an envelope")
}

/// Decodes the golden file of `E` and encodes it again.
fn read_and_write<E: Event>() -> E {
    let golden = golden_files().remove(E::TYPE).unwrap_or_else(|| panic!("no golden file for {}", E::TYPE));
    let envelope = read(&golden);
    let event: E = envelope.decode().expect("its data");
    assert_eq!(event.subject(), envelope.subject);
    let written = Envelope { data: serde_json::to_string(&event).expect("JSON"), ..envelope };
    let written: Value = serde_json::from_str(&written.to_json()).expect("JSON");
    assert_eq!(written, Value::Object(golden), "what is written today is what was written then");
    event
}

fn id(last: u8) -> Uuid {
    format!("01920000-0000-7000-8000-0000000000{last:02x}").parse().expect("a UUID")
}

fn euro(amount: i64) -> MoneyData {
    MoneyData { amount, currency: "EUR".to_owned() }
}

#[test]
fn order_completed_v1_is_read_as_it_was_written() {
    let item =
        |sku: &str, quantity, cents| OrderedItem { sku: sku.to_owned(), quantity, unit_price: euro(cents) };
    let expected = OrderCompleted {
        order_id: id(10),
        user_id: id(11),
        items: vec![item("MUG-1", 2, 1299), item("POSTER", 1, 1800)],
        total: euro(4398),
        charge_id: "ch_01920000000070008000000000000001".to_owned(),
    };
    assert_eq!(read_and_write::<OrderCompleted>(), expected);
}

#[test]
fn stock_reserved_v1_is_read_as_it_was_written() {
    let item = |sku: &str, quantity| ReservedItem { sku: sku.to_owned(), quantity };
    let expected = StockReserved { order_id: id(10), items: vec![item("MUG-1", 2), item("POSTER", 1)] };
    assert_eq!(read_and_write::<StockReserved>(), expected);
}

#[test]
fn refund_order_v1_is_read_as_it_was_written() {
    let short = ShortItem { sku: "POSTER".to_owned(), wanted: 1, available: 0 };
    let expected =
        RefundOrder { order_id: id(10), reason: RefundReason::InsufficientStock, items: vec![short] };
    assert_eq!(read_and_write::<RefundOrder>(), expected);
}

#[test]
fn every_reason_for_a_refund_has_the_name_of_the_contract() {
    for (name, reason) in [
        ("insufficient-stock", RefundReason::InsufficientStock),
        ("unknown-product", RefundReason::UnknownProduct),
        ("rejected", RefundReason::Rejected),
    ] {
        assert_eq!(serde_json::from_value::<RefundReason>(name.into()).expect("known"), reason);
        assert_eq!((reason.as_str(), serde_json::to_value(reason).expect("JSON")), (name, name.into()));
    }
}

#[test]
fn product_changed_v1_is_read_as_it_was_written() {
    let expected = ProductChanged {
        sku: "MUG-1".to_owned(),
        name: "Enamel mug".to_owned(),
        price: euro(1299),
        version: 1,
        deleted: false,
    };
    assert_eq!(read_and_write::<ProductChanged>(), expected);
}

#[test]
fn every_golden_file_belongs_to_an_event_that_is_tested() {
    let tested = [OrderCompleted::TYPE, RefundOrder::TYPE, ProductChanged::TYPE, StockReserved::TYPE];
    assert_eq!(golden_files().keys().collect::<Vec<_>>(), tested);
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
    let page = std::fs::read_to_string(folder().join("../../docs/events.md")).expect("docs/events.md");
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
