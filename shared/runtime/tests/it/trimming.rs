use std::time::Duration;

use events::Envelope;
use testing::eventually;

use crate::toy::{Bank, GROUP, SOON, STREAM, deposited};

fn numbered(count: u32) -> Vec<Envelope> {
    (0..count).map(|number| deposited(&number.to_string(), 1)).collect()
}

async fn length(bank: &Bank) -> u64 {
    bank.redis.command(&["XLEN", STREAM]).await
}

async fn shorter_than(bank: &Bank, limit: u64) {
    let short = async || match length(bank).await {
        length if length < limit => Ok(()),
        length => Err(length),
    };
    eventually("the stream is trimmed", SOON, short).await;
}

#[actix_rt::test]
async fn trimming_removes_in_one_go_whatever_all_are_done_with() {
    let mut bank = Bank::open().await;
    bank.settings.retention = Duration::ZERO;
    // The group starts after these entries: the test's time goes into trimming.
    bank.publish(&numbered(30_000)).await;
    bank.redis.command::<()>(&["XGROUP", "CREATE", STREAM, GROUP, "$"]).await;
    let _consumers = bank.consumers();
    bank.publish(&numbered(1)).await;
    // Redis trims whole nodes of 100 entries.
    shorter_than(&bank, 200).await;
}

#[actix_rt::test]
async fn a_group_that_nobody_reads_holds_entries_back_for_a_bounded_time_only_and_is_shown() {
    let mut bank = Bank::open().await;
    bank.settings.retention = Duration::ZERO;
    bank.redis.command::<()>(&["XGROUP", "CREATE", STREAM, "left-behind", "0", "MKSTREAM"]).await;
    let consumers = bank.consumers();
    bank.publish(&numbered(300)).await;
    let overview = bank.all_processed(&consumers, 300).await;
    let [foreign] = overview.foreign_groups.as_slice() else { panic!("{overview:?}") };
    assert_eq!((foreign.name.as_str(), foreign.unread, length(&bank).await), ("left-behind", 300, 300));
    assert!(consumers.drain(SOON).await);

    bank.settings.foreign_retention = Duration::from_millis(1);
    let _consumers = bank.consumers();

    shorter_than(&bank, 200).await;
}

#[actix_rt::test]
async fn a_stream_that_is_full_is_trimmed_although_a_foreign_group_has_not_read_it() {
    let mut bank = Bank::open().await;
    (bank.settings.retention, bank.settings.backlog) = (Duration::ZERO, 200);
    bank.redis.command::<()>(&["XGROUP", "CREATE", STREAM, "left-behind", "0", "MKSTREAM"]).await;
    let consumers = bank.consumers();
    bank.publish(&numbered(300)).await;
    bank.all_processed(&consumers, 300).await;
    shorter_than(&bank, 200).await;
}

#[actix_rt::test]
async fn consumers_that_are_gone_and_hold_nothing_are_forgotten() {
    let mut bank = Bank::open().await;
    bank.settings.claim_idle = Duration::from_millis(50); // gone after three seconds
    bank.redis.command::<()>(&["XGROUP", "CREATE", STREAM, GROUP, "0", "MKSTREAM"]).await;
    for number in 0..40 {
        bank.redis
            .command::<u8>(&["XGROUP", "CREATECONSUMER", STREAM, GROUP, &format!("gone-{number}")])
            .await;
    }
    let consumers = bank.consumers();
    let alone = async || {
        let overview =
            runtime::stream::overview(&bank.broker, &consumers.specs()[0]).await.expect("Redis answers");
        let names: Vec<String> = overview.consumers.into_iter().map(|consumer| consumer.name).collect();
        if names == ["test"] { Ok(()) } else { Err(names) }
    };
    eventually("only the one that lives is left", SOON, alone).await;
}
