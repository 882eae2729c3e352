use runtime::stream::{EventHandler, Outcome, Received};

/// Delivers an event twice in one batch, then once more: one `Done`, all others `Duplicate`.
pub async fn a_repeated_event_is_a_duplicate<H>(handler: &H, received: Received<H::Event>)
where
    H: EventHandler,
    H::Event: Clone,
{
    let first = handler.handle(&[received.clone(), received.clone()]).await;
    assert_eq!(first, [Outcome::Done, Outcome::Duplicate], "the same event twice in one batch");
    let again = Received { deliveries: received.deliveries + 1, ..received };
    assert_eq!(handler.handle(&[again]).await, [Outcome::Duplicate], "the same event again");
}
