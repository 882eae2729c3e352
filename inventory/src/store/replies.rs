//! Replies that Redis refused. The outbox keeps them, so that their entries can be acknowledged.

use runtime::{
    db::{Connection, DbError},
    outbox::{OutboxEvent, OutboxRows, Retention},
};

use super::Reply;

/// After an error the replies may be inserted.
pub async fn park_replies(connection: &Connection, replies: &[&Reply]) -> Result<(), DbError> {
    // A redelivered event parks the same reply again.
    let insert = OutboxRows::insert(1, "ON CONFLICT (event_id) DO NOTHING");
    let statement = connection.prepare_cached(&insert).await?;
    let event = |reply: &&Reply| OutboxEvent {
        stream: reply.stream.to_owned(),
        envelope: reply.envelope.clone(),
        retention: Retention::Repeated(0),
    };
    let events: Vec<OutboxEvent> = replies.iter().map(event).collect();
    let rows: OutboxRows = events.iter().collect();
    connection.execute(&statement, &rows.parameters(&0.0)).await?;
    Ok(())
}
