use std::time::Duration;

use events::Envelope;
use runtime::{
    recovery::{self, Recovery},
    stream::{ConsumerSet, DeadLetterError, DeadLetterFilter, Received, Redriven},
};
use testing::{a_repeated_event_is_a_duplicate, eventually};

use crate::toy::{Bank, Deposited, GROUP, SOON, STREAM, deposited};

#[actix_rt::test]
async fn a_consumer_that_panics_in_a_batch_is_replaced_and_the_batch_is_effective_once() {
    let bank = Bank::open().await;
    bank.script().panics = 1;
    bank.publish(&(0..20).map(|n| deposited(&format!("account-{n}"), 1)).collect::<Vec<_>>()).await;
    let consumers = bank.consumers();
    bank.all_processed(&consumers, 20).await;
    bank.assert_no_doubles().await;
    let twice = bank.script().seen.iter().filter(|(_, delivery)| *delivery == 2).count();
    assert_eq!(twice, 20, "the fresh consumer has found what the panicked one held");
}

#[actix_rt::test]
async fn a_handler_meets_the_conformance_suite() {
    let bank = Bank::open().await;
    let envelope = deposited("alice", 5);
    let event: Deposited = envelope.decode().expect("a deposit");
    a_repeated_event_is_a_duplicate(
        &bank.teller,
        Received { envelope: envelope.into(), event, deliveries: 1, span: None },
    )
    .await;
    assert_eq!(bank.number("SELECT sum(amount)::bigint FROM deposits").await, 5);
}

#[actix_rt::test]
async fn a_second_consumer_claims_what_a_dead_one_held() {
    let bank = Bank::open().await;
    bank.publish(&(0..7).map(|_| deposited("alice", 1)).collect::<Vec<_>>()).await;
    bank.redis.command::<()>(&["XGROUP", "CREATE", STREAM, GROUP, "0"]).await;
    let read = ["XREADGROUP", "GROUP", GROUP, "dead", "COUNT", "5", "STREAMS", STREAM, ">"];
    bank.redis.command::<redis::Value>(&read).await;
    let consumers = bank.consumers();
    let overview = bank.all_processed(&consumers, 7).await;
    assert_eq!(overview.reclaimed_total, 5);
    let members: Vec<&str> = overview.consumers.iter().map(|member| member.name.as_str()).collect();
    assert_eq!(members, ["dead", "test"]);
    let is_told = |recovery: &Recovery| {
        matches!(recovery, Recovery::EntriesClaimed { from: Some(from), consumer, entries: 5, .. }
            if from == "dead" && consumer == "test")
    };
    assert!(recovery::newest(None, 1000).iter().any(|recorded| is_told(&recorded.recovery)));
}

#[actix_rt::test]
async fn an_event_that_was_processed_and_is_claimed_under_another_entry_has_no_second_effect() {
    let bank = Bank::open().await;
    let consumers = bank.consumers();
    let event = deposited("alice", 1);
    bank.publish(std::slice::from_ref(&event)).await;
    bank.all_processed(&consumers, 1).await;
    // Published again, read by a consumer that dies, and claimed.
    bank.redis.command::<()>(&["XGROUP", "CREATECONSUMER", STREAM, GROUP, "dead"]).await;
    consumers.drain(SOON).await;
    bank.publish(&[event]).await;
    let read = ["XREADGROUP", "GROUP", GROUP, "dead", "STREAMS", STREAM, ">"];
    bank.redis.command::<redis::Value>(&read).await;
    let consumers = bank.consumers();
    let overview = bank.all_processed(&consumers, 1).await;
    assert_eq!(
        (overview.reclaimed_total, bank.script().seen.len()),
        (1, 2),
        "handed over, for its stored outcome may have to be told again"
    );
    bank.assert_no_doubles().await;
}

#[actix_rt::test]
async fn an_event_that_always_fails_becomes_a_dead_letter_with_its_first_and_last_error() {
    let mut bank = Bank::open().await;
    bank.settings.delivery_limit = 3;
    bank.script()
        .failing
        .insert("bob".to_owned(), ["the first error", "the second", "the last error"].into());
    let consumers = bank.consumers();
    let bad = deposited("bob", 1);
    bank.publish(&[deposited("alice", 1), bad.clone(), deposited("carol", 1)]).await;

    let letter = bank.dead_lettered(1).await.remove(0);

    assert_eq!(
        (letter.stream.as_str(), letter.group.as_str(), letter.consumer.as_str()),
        (STREAM, GROUP, "test")
    );
    assert_eq!((letter.deliveries, letter.reason.as_str()), (3, "delivery-limit"));
    assert_eq!(
        (letter.first_error.as_str(), letter.last_error.as_str()),
        ("the first error", "the last error")
    );
    assert_eq!(letter.event["id"], bad.id.to_string());
    assert_eq!(letter.event["data"]["account"], "bob");
    bank.all_processed(&consumers, 2).await;
    let delivered = bank
        .script()
        .seen
        .iter()
        .filter(|(account, _)| account == "bob")
        .map(|(_, delivery)| *delivery)
        .collect::<Vec<_>>();
    assert_eq!(delivered, [1, 2, 3]);
}

#[actix_rt::test]
async fn an_event_its_consumer_always_panics_over_becomes_a_dead_letter_that_says_so() {
    let mut bank = Bank::open().await;
    bank.settings.delivery_limit = 2;
    bank.script().panics = usize::MAX;
    let _consumers = bank.consumers();
    bank.publish(&[deposited("alice", 1)]).await;
    let letter = bank.dead_lettered(1).await.remove(0);
    assert_eq!(
        (letter.first_error.as_str(), letter.reason.as_str()),
        ("panicked: the teller fainted", "delivery-limit")
    );
    bank.assert_no_doubles().await;
}

#[actix_rt::test]
async fn a_redrive_brings_a_dead_letter_through_once_and_a_second_one_is_refused() {
    let mut bank = Bank::open().await;
    bank.settings.delivery_limit = 1;
    bank.script().failing.insert("bob".to_owned(), ["the cause"].into());
    let consumers = bank.consumers();
    bank.publish(&[deposited("bob", 1)]).await;
    let id = bank.dead_lettered(1).await.remove(0).id;
    bank.script().failing.clear();

    let letters = bank.dead_letters();
    let (one, other) = futures_util::join!(letters.redrive(&id), letters.redrive(&id));

    assert!(one.is_ok() != other.is_ok(), "of two redrives at once one is refused: {one:?}, {other:?}");
    assert!(matches!(letters.redrive(&id).await, Err(DeadLetterError::Absent)));
    bank.all_processed(&consumers, 1).await;
    bank.dead_lettered(0).await;
}

#[actix_rt::test]
async fn a_redrive_of_a_whole_stream_takes_what_matches_and_a_dry_run_takes_nothing() {
    let mut bank = Bank::open().await;
    bank.settings.delivery_limit = 1;
    bank.script().failing.insert("bob".to_owned(), ["the cause"].into());
    bank.script().poison.push("mallory".to_owned());
    let consumers = bank.consumers();
    bank.publish(&[deposited("bob", 1), deposited("mallory", 1), deposited("bob", 2)]).await;
    bank.dead_lettered(3).await;
    bank.script().failing.clear();

    let letters = bank.dead_letters();
    let filter = DeadLetterFilter { event_type: None, reason: Some("delivery-limit".to_owned()) };
    let counted = letters.redrive_all(STREAM, &filter, true).await.expect("Redis answers");
    assert_eq!(counted, Redriven { matched: 2, ..Redriven::default() });
    let done = letters.redrive_all(STREAM, &filter, false).await.expect("Redis answers");
    assert_eq!(done, Redriven { matched: 2, redriven: 2, refused: 0 });

    bank.all_processed(&consumers, 2).await;
    let letter = bank.dead_lettered(1).await.remove(0);
    assert_eq!(letter.reason, "rejected");
    letters.discard(&letter.id).await.expect("discarded");
    assert!(matches!(letters.get(&letter.id).await, Err(DeadLetterError::Absent)));
}

#[actix_rt::test]
async fn an_event_that_fails_again_after_a_redrive_is_a_dead_letter_again() {
    let mut bank = Bank::open().await;
    bank.settings.delivery_limit = 1;
    bank.script().failing.insert("bob".to_owned(), ["the cause"].into());
    let consumers = bank.consumers();
    bank.publish(&[deposited("bob", 1)]).await;
    let first = bank.dead_lettered(1).await.remove(0);
    bank.dead_letters().redrive(&first.id).await.expect("redriven");
    let again = async || {
        let letters = bank.dead_letters().list(STREAM, None, 10).await.expect("Redis answers");
        if letters.len() == 1 && letters[0].id != first.id { Ok(letters) } else { Err(letters) }
    };
    let second = eventually("a second dead letter", SOON, again).await.remove(0);
    assert_eq!(second.event["id"], first.event["id"]);
    bank.script().failing.clear();
    bank.dead_letters().redrive(&second.id).await.expect("redriven");
    bank.all_processed(&consumers, 1).await;
}

#[actix_rt::test]
async fn what_cannot_be_read_is_a_dead_letter_at_once_and_its_neighbours_are_handled() {
    let bank = Bank::open().await;
    let consumers = bank.consumers();
    let known = deposited("alice", 1);
    let strange =
        events::Envelope { id: uuid::Uuid::now_v7(), kind: "test.deposited.v2".to_owned(), ..known.clone() };
    let broken =
        events::Envelope { id: uuid::Uuid::now_v7(), data: "{\"account\": 7}".to_owned(), ..known.clone() };
    bank.redis.command::<String>(&["XADD", STREAM, "*", "hello", "world"]).await;
    bank.redis.command::<String>(&["XADD", STREAM, "*", "event", "{not json"]).await;
    bank.publish(&[strange, broken, known]).await;

    let letters = bank.dead_lettered(4).await;

    let why: Vec<&str> = letters.iter().map(|letter| letter.last_error.as_str()).collect();
    assert_eq!(why[0], "the entry has no field `event`");
    assert_eq!(letters[0].event["hello"], "world");
    assert!(why[1].starts_with("field `event` is not a CloudEvent of this contract: "), "{}", why[1]);
    assert_eq!(
        why[2],
        "unknown event type `test.deposited.v2`; this consumer understands `test.deposited.v1`"
    );
    assert!(why[3].starts_with("data is not a valid `test.deposited.v1`"), "{}", why[3]);
    assert!(letters.iter().all(|letter| letter.reason == "unreadable" && letter.deliveries == 1));
    bank.all_processed(&consumers, 1).await;
}

#[actix_rt::test]
async fn an_event_that_is_no_utf_8_is_a_dead_letter_and_not_handled_with_other_letters_in_it() {
    let bank = Bank::open().await;
    let _consumers = bank.consumers();
    let envelope = deposited("alice", 1);
    let (head, tail) = envelope
        .to_json()
        .rsplit_once("alice")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .expect("the account");
    let script = r"return redis.call('XADD', KEYS[1], '*', 'event', ARGV[1] .. 'alic\233' .. ARGV[2])";
    bank.redis.command::<String>(&["EVAL", script, "1", STREAM, &head, &tail]).await;

    let letter = bank.dead_lettered(1).await.remove(0);

    assert!(letter.last_error.starts_with("a field is not UTF-8"), "{}", letter.last_error);
    assert_eq!(
        (letter.event["data"]["account"].as_str(), bank.script().seen.len()),
        (Some("alic\u{fffd}"), 0)
    );
}

#[actix_rt::test]
async fn an_event_the_handler_calls_poison_is_a_dead_letter_at_once() {
    let bank = Bank::open().await;
    bank.script().poison.push("mallory".to_owned());
    let consumers = bank.consumers();
    bank.publish(&[deposited("mallory", 1), deposited("alice", 1)]).await;
    let letter = bank.dead_lettered(1).await.remove(0);
    assert_eq!(
        (letter.reason.as_str(), letter.last_error.as_str(), letter.deliveries),
        ("rejected", "no such account", 1)
    );
    bank.all_processed(&consumers, 1).await;
}

#[actix_rt::test]
async fn an_outage_of_the_environment_does_not_count_as_deliveries() {
    let mut bank = Bank::open().await;
    bank.settings.delivery_limit = 1;
    bank.script().transients = 4;
    let consumers = bank.consumers();
    bank.publish(&[deposited("alice", 1), deposited("bob", 1)]).await;
    bank.all_processed(&consumers, 2).await;
    let seen = bank.script().seen.clone();
    assert_eq!(seen.len(), 10, "two events, five times: {seen:?}");
    assert!(seen.iter().all(|(_, delivery)| *delivery == 1), "{seen:?}");
    bank.dead_lettered(0).await;
}

#[actix_rt::test]
async fn an_event_redriven_for_another_group_is_left_alone() {
    let bank = Bank::open().await;
    let consumers = bank.consumers();
    let theirs = Envelope { redrive_group: Some("auditors".to_owned()), ..deposited("alice", 1) };
    let ours = Envelope { redrive_group: Some(GROUP.to_owned()), ..deposited("bob", 1) };
    bank.publish(&[theirs, ours]).await;
    bank.all_processed(&consumers, 1).await;
    assert_eq!(bank.script().seen, [("bob".to_owned(), 1)]);
}

#[actix_rt::test]
async fn a_drained_consumer_has_finished_and_acknowledged_its_batch() {
    let bank = Bank::open().await;
    bank.script().waiting.push("alice".to_owned());
    let consumers = bank.consumers();
    bank.publish(&(0..10).map(|_| deposited("alice", 1)).collect::<Vec<_>>()).await;
    let begun = async || {
        let pending: (u64, redis::Value, redis::Value, redis::Value) =
            bank.redis.command(&["XPENDING", STREAM, GROUP]).await;
        (pending.0 > 0).then_some(())
    };
    // The consumer creates the group when it starts.
    let group = async || {
        (!bank.redis.command::<Vec<redis::Value>>(&["XINFO", "GROUPS", STREAM]).await.is_empty())
            .then_some(())
    };
    eventually("the group exists", SOON, group).await;
    eventually("the batch has begun", SOON, begun).await;
    drain_in_hand(&bank, &consumers).await;
    bank.all_processed(&consumers, 10).await;
}

/// Lets go of what waits once the drain has begun.
async fn drain_in_hand(bank: &Bank, consumers: &ConsumerSet) {
    let release = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        bank.script().waiting.clear();
    };
    let (drained, ()) = futures_util::join!(consumers.drain(SOON), release);
    assert!(drained);
}

async fn pending_entries(bank: &Bank, entries: u64) {
    let pending_entries = async || {
        let groups: Vec<redis::Value> = bank.redis.command(&["XINFO", "GROUPS", STREAM]).await;
        let pending = async || {
            bank.redis
                .command::<(u64, redis::Value, redis::Value, redis::Value)>(&["XPENDING", STREAM, GROUP])
                .await
                .0
        };
        (!groups.is_empty() && pending().await == entries).then_some(())
    };
    eventually("they are pending", SOON, pending_entries).await;
}

fn numbered(accounts: std::ops::Range<u32>) -> Vec<Envelope> {
    accounts.map(|number| deposited(&number.to_string(), 1)).collect()
}

#[actix_rt::test]
async fn a_backlog_of_many_batches_is_handled_once() {
    let mut bank = Bank::open().await;
    bank.settings.batch = 4;
    bank.publish(&numbered(0..50)).await;
    let consumers = bank.consumers();
    bank.all_processed(&consumers, 50).await;
    let mut seen: Vec<(u32, u32)> = bank
        .script()
        .seen
        .iter()
        .map(|(account, delivery)| (account.parse().expect("a number"), *delivery))
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..50).map(|number| (number, 1)).collect::<Vec<_>>());
}

#[actix_rt::test]
async fn a_consumer_that_is_drained_has_handled_every_batch_it_had_in_hand() {
    let mut bank = Bank::open().await;
    (bank.settings.batch, bank.settings.claim_idle) = (2, SOON);
    bank.script().waiting.extend((0..20).map(|number| number.to_string()));
    bank.publish(&numbered(0..20)).await;
    let consumers = bank.consumers();
    pending_entries(&bank, 16).await; // eight batches
    drain_in_hand(&bank, &consumers).await;
    pending_entries(&bank, 0).await;
    assert!(bank.number("SELECT count(*) FROM deposits").await >= 16);
}

#[actix_rt::test]
async fn a_batch_that_takes_long_does_not_hold_up_the_backlog_behind_it() {
    let mut bank = Bank::open().await;
    (bank.settings.batch, bank.settings.claim_interval) = (2, SOON);
    bank.script().waiting.push("0".to_owned());
    bank.publish(&numbered(0..20)).await;
    let consumers = bank.consumers();
    let others = async || (bank.number("SELECT count(*) FROM deposits").await == 18).then_some(());
    eventually("the other nine batches are handled", SOON, others).await;
    bank.script().waiting.clear();
    bank.all_processed(&consumers, 20).await;
}

#[actix_rt::test]
async fn an_outage_does_not_count_as_deliveries_of_any_batch_in_hand() {
    let mut bank = Bank::open().await;
    bank.settings.batch = 2;
    bank.script().transients = 12; // three attempts of four batches
    bank.publish(&numbered(0..8)).await;
    let consumers = bank.consumers();
    bank.all_processed(&consumers, 8).await;
    assert!(bank.script().seen.iter().all(|(_, delivery)| *delivery == 1));
}
