//! The span of a transaction, by OpenTelemetry's conventions for databases. A transaction serves many traces:
//! each gets a span of it, with the number of items.

use std::time::SystemTime;

use opentelemetry::KeyValue;

use super::{Failure, Write};
use crate::telemetry::{Span, SpanKind, begin_span, record_span};

pub(super) fn record<W: Write>(
    items: &[W::Item],
    outcomes: &[Result<W::Output, Failure>],
    began: SystemTime,
) {
    for (item, outcome) in items.iter().zip(outcomes) {
        if let Some(trace) = W::trace(item).and_then(begin_span) {
            record_span(&trace, || span::<W>(items.len(), outcome.as_ref().err(), began));
        }
    }
}

fn span<W: Write>(items: usize, failure: Option<&Failure>, began: SystemTime) -> Span {
    let mut attributes = vec![
        KeyValue::new("db.system.name", "postgresql"),
        KeyValue::new("db.operation.name", "COMMIT"),
        KeyValue::new("orderflow.writer", W::NAME),
    ];
    // The convention asks for it from two on.
    if items > 1 {
        attributes.push(KeyValue::new("db.operation.batch.size", i64::try_from(items).unwrap_or(i64::MAX)));
    }
    Span {
        kind: SpanKind::Client,
        name: format!("commit {}", W::NAME).into(),
        began,
        ended: SystemTime::now(),
        attributes,
        error: failure.map(|failure| match failure {
            Failure::Unavailable(_) => "unavailable".into(),
            _ => "refused".into(),
        }),
    }
}
