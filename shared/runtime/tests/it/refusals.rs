use std::time::{Duration, Instant};

use events::Envelope;
use runtime::stream::{Broker, DeadLetterError, overview};
use testing::eventually;

use crate::toy::{Bank, GROUP, SOON, STREAM, deposited};

async fn deposits(bank: &Bank, count: i64) {
    let made = async || match bank.number("SELECT count(*) FROM deposits").await {
        deposits if deposits == count => Ok(()),
        deposits => Err(deposits),
    };
    eventually("the deposits are made", SOON, made).await;
}

#[actix_rt::test]
async fn a_redis_that_refuses_writes_ends_no_consumer_and_the_flow_goes_on_when_it_takes_them() {
    let bank = Bank::open().await;
    let consumers = bank.consumers();
    bank.publish(&[deposited("alice", 1)]).await;
    bank.all_processed(&consumers, 1).await;
    bank.redis.command::<()>(&["CONFIG", "SET", "min-replicas-to-write", "1"]).await;
    let refused = bank.broker.probe().await.expect_err("writes are refused").to_string();
    assert!(refused.contains("NOREPLICAS"), "{refused}");
    // Long enough for more ends than the fault limit allows.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(3) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bank.redis.command::<()>(&["CONFIG", "SET", "min-replicas-to-write", "0"]).await;
    bank.publish(&[deposited("bob", 1)]).await;
    bank.all_processed(&consumers, 2).await;
}

#[actix_rt::test]
async fn a_full_redis_lets_a_fresh_consumer_work_off_what_is_there() {
    let bank = Bank::open().await;
    bank.publish(&[deposited("alice", 1)]).await;
    bank.redis.command::<()>(&["XGROUP", "CREATE", STREAM, GROUP, "0"]).await;
    bank.redis.command::<()>(&["CONFIG", "SET", "maxmemory", "1"]).await;
    let consumers = bank.consumers();
    bank.all_processed(&consumers, 1).await;
}

#[actix_rt::test]
async fn a_password_that_was_changed_and_changed_back_costs_the_connection_only() {
    let bank = Bank::open().await;
    let consumers = bank.consumers();
    bank.publish(&[deposited("alice", 1)]).await;
    bank.all_processed(&consumers, 1).await;
    bank.redis.command::<()>(&["CONFIG", "SET", "requirepass", "secret"]).await;
    let url = bank.redis.url().replace(bank.redis.password(), "secret");
    let mut operator = testing::redis_connection(&url).await;
    redis::cmd("CLIENT")
        .arg("KILL")
        .arg("TYPE")
        .arg("normal")
        .exec_async(&mut operator)
        .await
        .expect("all others are gone");
    let refused = async || {
        bank.broker
            .probe()
            .await
            .err()
            .filter(|error| error.to_string().contains("uthentication failed"))
            .map(drop)
    };
    eventually("nobody is let in", SOON, refused).await;
    redis::cmd("CONFIG")
        .arg("SET")
        .arg("requirepass")
        .arg(bank.redis.password())
        .exec_async(&mut operator)
        .await
        .expect("no password any more");
    bank.broker.probe().await.expect("the connection that was refused is not used again");
    bank.publish(&[deposited("bob", 1)]).await;
    bank.all_processed(&consumers, 2).await;
}

#[actix_rt::test]
async fn an_entry_the_environment_fails_holds_up_no_other_and_its_attempts_are_not_counted() {
    let mut bank = Bank::open().await;
    bank.settings.delivery_limit = 1;
    bank.script().out_of_reach.push("bob".to_owned());
    let consumers = bank.consumers();
    bank.publish(&[deposited("bob", 1)]).await;
    let tried = async || (bank.script().seen.len() >= 3).then_some(());
    eventually("it is tried again and again", SOON, tried).await;
    let others: Vec<Envelope> = (0..20).map(|number| deposited(&number.to_string(), 1)).collect();
    bank.publish(&others).await;
    deposits(&bank, 20).await;
    bank.script().out_of_reach.clear();
    bank.all_processed(&consumers, 21).await;
    assert!(bank.script().seen.iter().all(|(_, delivery)| *delivery == 1));
    bank.dead_lettered(0).await;
}

#[actix_rt::test]
async fn what_a_live_consumer_has_in_hand_is_claimed_by_nobody_however_long_it_takes() {
    let mut bank = Bank::open().await;
    // The consumer shows that it lives four times in it.
    bank.settings.claim_idle = Duration::from_secs(4);
    bank.script().waiting.push("slow".to_owned());
    let first = bank.consumers();
    bank.publish(&[deposited("slow", 1)]).await;
    let taken = async || (overview(&bank.broker, &first.specs()[0]).await.ok()?.pending == 1).then_some(());
    eventually("it is in hand", SOON, taken).await;
    let peer = bank.consumers_called("peer");
    let began = Instant::now();
    while began.elapsed() < bank.settings.claim_idle * 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(overview(&bank.broker, &peer.specs()[0]).await.expect("Redis answers").reclaimed_total, 0);
    bank.script().waiting.clear();
    bank.all_processed(&first, 1).await;
    assert_eq!(bank.script().seen.len(), 1);
}

#[actix_rt::test]
async fn a_process_has_no_more_in_hand_than_eight_batches_however_many_partitions_it_reads() {
    let mut bank = Bank::open().await;
    (bank.settings.partitions, bank.settings.batch) = (4, 4);
    bank.broker = Broker::new(&bank.settings);
    let events: Vec<Envelope> = (0..200).map(|number| deposited(&number.to_string(), 1)).collect();
    bank.script().waiting.extend((0..200).map(|number| number.to_string()));
    bank.publish(&events).await;
    let consumers = bank.consumers();
    let pending = async || {
        let mut pending = 0;
        for spec in consumers.specs() {
            pending += overview(&bank.broker, spec).await.expect("Redis answers").pending;
        }
        pending
    };
    let full = async || match pending().await {
        32 => Ok(()),
        pending => Err(pending),
    };
    eventually("the budget is used", SOON, full).await;
    bank.script().waiting.clear();
    deposits(&bank, 200).await;
    assert_eq!(bank.script().seen.len(), 200, "nothing was handled twice");
}

#[actix_rt::test]
async fn a_dead_letter_that_redis_refuses_stays_pending_and_holds_up_nothing() {
    let bank = Bank::open().await;
    bank.redis.command::<()>(&["SET", "deposited.dead", "no stream"]).await;
    bank.script().poison.push("mallory".to_owned());
    let consumers = bank.consumers();
    bank.publish(&[deposited("mallory", 1), deposited("alice", 1)]).await;
    deposits(&bank, 1).await;
    let overview = overview(&bank.broker, &consumers.specs()[0]);
    assert!(overview.await.is_err(), "the dead letters cannot even be counted");
    bank.redis.command::<u64>(&["DEL", "deposited.dead"]).await;
    let letter = bank.dead_lettered(1).await.remove(0);
    assert_eq!(letter.last_error, "no such account");
}

#[actix_rt::test]
async fn a_burial_that_is_refused_half_way_leaves_no_half_of_it() {
    let bank = Bank::open().await;
    bank.redis.command::<()>(&["SET", "deposited.dead.index", "no hash"]).await;
    bank.script().poison.push("mallory".to_owned());
    let _consumers = bank.consumers();
    bank.publish(&[deposited("mallory", 1)]).await;
    let tried = async || (bank.script().seen.len() >= 2).then_some(());
    eventually("the write of the dead letter is tried twice", SOON, tried).await;
    assert_eq!(bank.redis.command::<u64>(&["XLEN", "deposited.dead"]).await, 0);
    bank.redis.command::<u64>(&["DEL", "deposited.dead.index"]).await;
    bank.dead_lettered(1).await;
}

#[actix_rt::test]
async fn a_redrive_that_redis_refuses_loses_nothing_and_works_once_when_it_is_taken() {
    let bank = Bank::open().await;
    bank.script().poison.push("mallory".to_owned());
    let consumers = bank.consumers();
    bank.publish(&[deposited("mallory", 1)]).await;
    let letter = bank.dead_lettered(1).await.remove(0);
    assert!(consumers.drain(SOON).await);
    bank.redis.command::<()>(&["RENAME", STREAM, "aside"]).await;
    bank.redis.command::<()>(&["SET", STREAM, "no stream"]).await;
    let refused = bank.dead_letters().redrive(&letter.id).await;
    assert!(matches!(refused, Err(DeadLetterError::Broker(_))), "{refused:?}");
    bank.dead_lettered(1).await;

    bank.redis.command::<()>(&["RENAME", "aside", STREAM]).await;
    bank.script().poison.clear();
    bank.dead_letters().redrive(&letter.id).await.expect("redriven");
    let again = bank.dead_letters().redrive(&letter.id).await;
    assert!(matches!(again, Err(DeadLetterError::Absent)), "{again:?}");
    bank.all_processed(&bank.consumers(), 1).await;
}
