use events::FIELD;

use crate::toy::{Bank, GROUP, STREAM, deposited};

/// One MULTI: the event is in the new stream before the consumer recreates its group.
async fn forget_and_publish(bank: &Bank, forget: &[&str], account: &str) {
    let mut pipeline = redis::pipe();
    pipeline.atomic().cmd(forget[0]).arg(&forget[1..]);
    let event = deposited(account, 1);
    pipeline.cmd("XADD").arg(STREAM).arg("*").arg(FIELD).arg(event.to_json());
    let mut connection = testing::redis_connection(&bank.redis.url()).await;
    pipeline.query_async::<redis::Value>(&mut connection).await.expect("an answer");
}

#[actix_rt::test]
async fn after_flushall_the_group_is_made_again_and_nothing_is_skipped() {
    let bank = Bank::open().await;
    let consumers = bank.consumers();
    bank.publish(&[deposited("alice", 1)]).await;
    bank.all_processed(&consumers, 1).await;
    for (round, account) in ["bob", "carol", "dave"].into_iter().enumerate() {
        forget_and_publish(&bank, &["FLUSHALL"], account).await;
        bank.all_processed(&consumers, 2 + i64::try_from(round).expect("small")).await;
    }
}

#[actix_rt::test]
async fn a_destroyed_group_is_made_again_at_the_start_and_has_no_second_effect() {
    let bank = Bank::open().await;
    let consumers = bank.consumers();
    bank.publish(&(0..5).map(|_| deposited("alice", 1)).collect::<Vec<_>>()).await;
    bank.all_processed(&consumers, 5).await;
    forget_and_publish(&bank, &["XGROUP", "DESTROY", STREAM, GROUP], "bob").await;
    bank.all_processed(&consumers, 6).await;
    bank.assert_no_doubles().await;
    assert_eq!(bank.script().seen.len(), 5 + 6, "it read everything again");
}

#[actix_rt::test]
async fn a_stream_that_was_deleted_is_made_again() {
    let bank = Bank::open().await;
    let consumers = bank.consumers();
    bank.publish(&[deposited("alice", 1)]).await;
    bank.all_processed(&consumers, 1).await;
    forget_and_publish(&bank, &["DEL", STREAM], "bob").await;
    bank.all_processed(&consumers, 2).await;
}

#[actix_rt::test]
async fn consumers_come_back_after_redis_was_killed() {
    let mut bank = Bank::open().await;
    let consumers = bank.consumers();
    bank.publish(&[deposited("alice", 1)]).await;
    bank.all_processed(&consumers, 1).await;
    bank.redis.kill().await;
    bank.redis.restart().await.expect("a restart");
    let again = async || bank.broker.probe().await.ok();
    testing::eventually("Redis answers", crate::toy::SOON, again).await;
    bank.publish(&[deposited("bob", 1)]).await;
    bank.all_processed(&consumers, 2).await;
    bank.assert_no_doubles().await;
}
