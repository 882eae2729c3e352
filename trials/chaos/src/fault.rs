use std::fmt;

use clap::ValueEnum;
use serde::{Serialize, Serializer};

/// A fault. The command line has the variant in kebab-case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub enum Fault {
    KillPayment,
    KillInventory,
    KillUser,
    Failpoint,
    KillConsumer,
    KillConsumerSameName,
    PanicConsumer,
    PanicProduct,
    PanicHttp,
    RedisKill,
    Flushall,
    DestroyGroup,
    DeleteStream,
    RedisEmpty,
    AofCut,
    PostgresStop,
    PostgresKill,
    NetRedisRefuse,
    NetRedisReset,
    NetRedisBlackhole,
    NetRedisDelay,
    NetPostgresRefuse,
    NetPostgresReset,
    NetPostgresBlackhole,
    NetPostgresDelay,
    NetPostgresDropCommit,
    Zombie,
    FlashSale,
    PoisonNotJson,
    PoisonUnknownType,
    PoisonFailing,
    TooLarge,
    Trim,
    PoolExhausted,
    DiskFull,
    OneKey,
    ClientGone,
    RollingRestart,
    Overload,
    Backlog,
    RedisFull,
    RedisNoreplicas,
    RedisMisconf,
    RedisNoauth,
    RedisNoperm,
    RedisDemoted,
    PostgresSilent,
    PostgresReadonly,
    PostgresStalePlan,
    PostgresHungHost,
    PostgresFailover,
    RefundRefused,
    ChargesRefused,
    InventoryAway,
    OutboxLarge,
    OutboxStuckRow,
    Soak,
    Partitions,
    Snapshot,
    Clocks,
    OldProgram,
    StaleGroup,
    CatalogueLost,
    RedriveRefused,
}

impl Fault {
    #[must_use]
    pub fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name())
    }
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_ones_people_type() {
        assert_eq!(Fault::NetPostgresDropCommit.name(), "net-postgres-drop-commit");
        assert_eq!(Fault::from_str("kill-consumer-same-name", false), Ok(Fault::KillConsumerSameName));
    }

    #[test]
    fn the_faults_of_servers_that_refuse_and_of_what_lasts_have_these_names() {
        let names = "redis-full redis-noreplicas redis-misconf redis-noauth redis-noperm redis-demoted postgres-silent postgres-readonly
            postgres-stale-plan postgres-hung-host postgres-failover refund-refused charges-refused inventory-away outbox-large
            outbox-stuck-row soak partitions snapshot clocks old-program stale-group catalogue-lost redrive-refused";
        let unknown: Vec<&str> =
            names.split_whitespace().filter(|name| Fault::from_str(name, false).is_err()).collect();
        assert_eq!(unknown, [""; 0]);
    }
}
