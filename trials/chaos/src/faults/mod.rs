//! Each fault returns after its end, with evidence; [`ChaosError::NotLanded`] makes the run red.

mod backlog;
mod catalogue;
mod clients;
mod clocks;
mod dead_letter_backup;
mod demotion;
mod disk;
mod flash_sale;
mod injected;
mod liveness;
mod network;
mod old_program;
mod outbox;
mod overload;
mod panics;
mod partitions;
mod poison;
mod pool;
mod postgres;
mod postgres_hosts;
mod postgres_sessions;
mod process;
mod provider;
mod redis_data_loss;
mod redis_outage;
mod redis_refusals;
mod redrive;
mod restarts;
pub mod stale_group;
mod steps;
mod streams;
mod sustained;
mod trim;
mod zombie;

pub use injected::InjectedFault;

use super::ChaosError;
use super::arena::Arena;
use super::fault::Fault;
use super::schedule::PlannedFault;
use ctl::stack::Kind;

/// The error names a missing package.
pub fn check(schedule: &[PlannedFault]) -> Result<(), ChaosError> {
    let moves_clocks = schedule.iter().any(|planned| planned.fault == Fault::Clocks);
    if moves_clocks { clocks::library().map(drop) } else { Ok(()) }
}

pub async fn inject(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    match planned.fault {
        Fault::KillPayment | Fault::KillInventory | Fault::KillUser => process::kill(arena, planned).await,
        Fault::KillConsumer | Fault::KillConsumerSameName => process::kill_with_entries(arena, planned).await,
        Fault::Failpoint => steps::kill_at_step(arena, planned).await,
        Fault::PanicConsumer => panics::consumer(arena, planned).await,
        Fault::PanicProduct => panics::product(arena, planned).await,
        Fault::PanicHttp => panics::handler(arena, planned).await,
        Fault::RedisKill => redis_outage::kill(arena, planned).await,
        Fault::Flushall => redis_data_loss::flush(arena, planned).await,
        Fault::DestroyGroup => redis_data_loss::destroy_group(arena, planned).await,
        Fault::DeleteStream => redis_data_loss::delete_stream(arena, planned).await,
        Fault::RedisEmpty => redis_outage::empty(arena, planned).await,
        Fault::AofCut => redis_outage::cut(arena, planned).await,
        Fault::PostgresStop | Fault::PostgresKill => postgres::outage(arena, planned).await,
        Fault::NetRedisRefuse
        | Fault::NetRedisReset
        | Fault::NetRedisBlackhole
        | Fault::NetRedisDelay
        | Fault::NetPostgresRefuse
        | Fault::NetPostgresReset
        | Fault::NetPostgresBlackhole
        | Fault::NetPostgresDelay => network::outage(arena, planned).await,
        Fault::NetPostgresDropCommit => network::drop_commit(arena, planned).await,
        Fault::Zombie => zombie::pause(arena, planned).await,
        Fault::RollingRestart => restarts::rolling(arena, planned).await,
        Fault::FlashSale => flash_sale::sell_out(arena, planned).await,
        Fault::PoisonNotJson | Fault::PoisonUnknownType => poison::unreadable(arena, planned).await,
        Fault::PoisonFailing => poison::failing(arena, planned).await,
        Fault::TooLarge => clients::too_large_bodies(arena, planned).await,
        Fault::OneKey => clients::one_key(arena, planned).await,
        Fault::ClientGone => clients::gone(arena, planned).await,
        Fault::Trim => trim::under_backlog(arena, planned).await,
        Fault::PoolExhausted => pool::exhaust(arena, planned).await,
        Fault::DiskFull => disk::fill(arena, planned).await,
        Fault::Overload => overload::overload(arena, planned).await,
        Fault::Backlog => backlog::drain(arena, planned).await,
        Fault::RedisFull
        | Fault::RedisNoreplicas
        | Fault::RedisMisconf
        | Fault::RedisNoauth
        | Fault::RedisNoperm => redis_refusals::refuse(arena, planned).await,
        Fault::RedisDemoted => demotion::demote(arena, planned).await,
        Fault::PostgresSilent => postgres_sessions::silent(arena, planned).await,
        Fault::PostgresReadonly => postgres_sessions::readonly(arena, planned).await,
        Fault::PostgresStalePlan => postgres_sessions::stale_plan(arena, planned).await,
        Fault::PostgresHungHost => postgres_hosts::hung_host(arena, planned).await,
        Fault::PostgresFailover => postgres_hosts::failover(arena, planned).await,
        Fault::RefundRefused => provider::refund(arena, planned).await,
        Fault::ChargesRefused => provider::charges(arena, planned).await,
        Fault::InventoryAway => sustained::inventory_away(arena, planned).await,
        Fault::OutboxLarge => outbox::large(arena, planned).await,
        Fault::OutboxStuckRow => outbox::stuck_row(arena, planned).await,
        Fault::Soak => sustained::soak(arena, planned).await,
        Fault::Partitions => partitions::slow_commits(arena, planned).await,
        Fault::Snapshot => sustained::snapshot(arena, planned).await,
        Fault::Clocks => clocks::apart(arena, planned).await,
        Fault::OldProgram => old_program::restart(arena, planned).await,
        Fault::StaleGroup => stale_group::plant(arena, planned).await,
        Fault::CatalogueLost => catalogue::lose_a_price(arena, planned).await,
        Fault::RedriveRefused => redrive::refused(arena, planned).await,
    }
}

/// Reverts a fault that failed half-way; idempotent.
pub async fn take_back(arena: &Arena) -> Result<(), ChaosError> {
    redis_refusals::take_back(arena).await?;
    redrive::take_back(arena).await?;
    if arena.database(Kind::Payment).takes_writes().await.is_err() {
        postgres_sessions::end_readonly(arena).await?;
    }
    outbox::take_back(arena).await?;
    provider::take_back(arena).await?;
    old_program::take_back(arena).await
}
