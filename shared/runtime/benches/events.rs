//! Encoding and decoding of an event.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use events::{Envelope, MoneyData, OrderCompleted, OrderedItem, TraceContext};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn event(lines: usize) -> OrderCompleted {
    let price = |amount| MoneyData { amount, currency: "EUR".to_owned() };
    let item =
        |number| OrderedItem { sku: format!("BENCH-{number:03}"), quantity: 1, unit_price: price(1999) };
    OrderCompleted {
        order_id: Uuid::now_v7(),
        user_id: Uuid::now_v7(),
        items: (0..lines).map(item).collect(),
        total: price(1999 * lines as i64),
        charge_id: format!("ch_{}", Uuid::now_v7()),
    }
}

fn wrap(event: &OrderCompleted) -> Envelope {
    Envelope::new(event, "payment", event.order_id.to_string(), TraceContext::root())
}

fn events(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("event");
    for lines in [1, 5] {
        let event = event(lines);
        let name = |what: &str| BenchmarkId::new(what, lines);
        let envelope = wrap(&event);
        let json = envelope.to_json();
        group.bench_function(name("encode"), |bench| {
            bench.iter(|| black_box(wrap(black_box(&event)).to_json().len()))
        });
        group.bench_function(name("decode"), |bench| {
            bench.iter(|| {
                let envelope = Envelope::from_json(black_box(&json)).expect("an envelope");
                envelope.decode::<OrderCompleted>().expect("an event")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, events);
criterion_main!(benches);
