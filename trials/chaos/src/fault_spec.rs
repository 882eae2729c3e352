//! The injection of each fault, its demand, and the limits of its recovery.

use std::time::Duration;

use serde::Serialize;

use super::fault::Fault;

/// The limits of the times in [`recovery`](super::recovery).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limits {
    pub accepts: Duration,
    pub flows: Duration,
    pub ended: Duration,
}

#[derive(Debug, Clone, Copy)]
pub struct FaultSpec {
    /// The number in the list of survivable faults.
    pub number: &'static str,
    pub does: &'static str,
    /// In addition to the invariants.
    pub holds: &'static str,
    pub limits: Limits,
    /// In a random mix; 0 excludes the fault.
    pub weight: u32,
    /// By default, in a run of this fault alone.
    pub usual: u32,
}

impl Fault {
    #[must_use]
    pub fn spec(self) -> FaultSpec {
        spec_of(self)
    }
}

/// In seconds.
const fn within(accepts: u64, flows: u64, ended: u64) -> Limits {
    Limits {
        accepts: Duration::from_secs(accepts),
        flows: Duration::from_secs(flows),
        ended: Duration::from_secs(ended),
    }
}

/// F1.
const CRASH: Limits = within(15, 15, 15);
/// F3. Earlier orders may need one round of the reconciler and the outbox.
const REDIS: Limits = within(5, 5, 15);
/// F4, F5, F12: everything is published again.
const DATA_LOSS: Limits = within(60, 60, 60);
/// F6, from the moment PostgreSQL accepts.
const POSTGRES: Limits = within(5, 15, 30);
/// F19, from the moment Redis takes writes. Waiting orders have a backoff left (I13).
const HEALED: Limits = within(5, 15, 30);
/// F13 and slow faults.
const SLOW: Limits = within(30, 30, 60);

const OTHERS_GO_ON: &str = "the message is retried, others go on";
const OTHERS_END: &str = "all others end within 5 s; the refused ones once they are accepted";
const FIRST: &str = "first 2xx within 5 s";
const FIRST_NOT_READY: &str = "503 of /readyz meanwhile; first 2xx within 5 s";
const AGAIN: &str = "everything is published again within 60 s";
const NO_LONG_REQUEST: &str = "every request within 5 s";
const GOES_ON: &str = "POST stays 2xx, no process ends, /readyz names Redis";
const DEAD_LETTER: &str = "a dead letter with the reason; other orders go on";

const fn quick(
    number: &'static str,
    does: &'static str,
    holds: &'static str,
    limits: Limits,
    weight: u32,
) -> FaultSpec {
    FaultSpec { number, does, holds, limits, weight, usual: 10 }
}

/// Quick enough for a random mix, too slow for ten in a row.
const fn of_few(
    number: &'static str,
    does: &'static str,
    holds: &'static str,
    limits: Limits,
    weight: u32,
) -> FaultSpec {
    FaultSpec { number, does, holds, limits, weight, usual: 2 }
}

/// Half a minute or more by name; short and rare in a random mix.
const fn lasting(number: &'static str, does: &'static str, holds: &'static str, limits: Limits) -> FaultSpec {
    FaultSpec { number, does, holds, limits, weight: 1, usual: 1 }
}

/// Excluded from random mixes: needs a stack or a machine of its own.
const fn long(number: &'static str, does: &'static str, holds: &'static str, limits: Limits) -> FaultSpec {
    FaultSpec { number, does, holds, limits, weight: 0, usual: 1 }
}

fn spec_of(fault: Fault) -> FaultSpec {
    match fault {
        Fault::KillPayment => quick("F1", "kill -9 of a payment instance", "recovery within 15 s", CRASH, 12),
        Fault::KillInventory => {
            quick("F1", "kill -9 of an inventory instance", "recovery within 15 s", CRASH, 12)
        }
        Fault::KillUser => quick("F1", "kill -9 of user", "orders go on; back within 15 s", CRASH, 4),
        Fault::Failpoint => {
            quick("F1", "kill -9 at a step of the work (needs failpoints)", "recovery within 15 s", CRASH, 20)
        }
        Fault::KillConsumer => {
            quick("F1", "kill -9 of an inventory that holds pending entries", "a peer claims them", CRASH, 8)
        }
        Fault::KillConsumerSameName => quick(
            "F1",
            "kill -9 of such an inventory, restarted at once",
            "the instance continues its own entries",
            CRASH,
            6,
        ),
        Fault::PanicConsumer => quick("F2", "a panic in a consumer actor", OTHERS_GO_ON, CRASH, 6),
        Fault::PanicProduct => quick(
            "F2",
            "a panic in a product actor (needs failpoints)",
            "the SKU answers within 1 s",
            CRASH,
            6,
        ),
        Fault::PanicHttp => {
            quick("F2", "a panic in an HTTP handler (needs failpoints)", "500 as problem+json", CRASH, 6)
        }
        Fault::RedisKill => quick(
            "F3",
            "kill -9 of Redis, back with its AOF",
            "orders are accepted; flow resumes within 5 s",
            REDIS,
            8,
        ),
        Fault::Flushall => quick("F4", "FLUSHALL", AGAIN, DATA_LOSS, 6),
        Fault::DestroyGroup => quick("F4", "XGROUP DESTROY", AGAIN, DATA_LOSS, 6),
        Fault::DeleteStream => quick("F4", "DEL of a stream", AGAIN, DATA_LOSS, 6),
        Fault::RedisEmpty => quick("F4", "Redis comes back empty", AGAIN, DATA_LOSS, 4),
        Fault::AofCut => {
            quick("F5", "kill -9 of Redis, back with the tail of its AOF cut off", AGAIN, DATA_LOSS, 4)
        }
        Fault::PostgresStop => quick(
            "F6",
            "immediate stop of PostgreSQL",
            "503; first 2xx within 5 s of its return",
            POSTGRES,
            5,
        ),
        Fault::PostgresKill => {
            quick("F6", "kill -9 of PostgreSQL", "503; first 2xx within 5 s of its return", POSTGRES, 6)
        }
        Fault::NetRedisRefuse => quick("F7", "Redis refuses an instance", NO_LONG_REQUEST, CRASH, 3),
        Fault::NetRedisReset => quick("F7", "connections to Redis are reset", NO_LONG_REQUEST, CRASH, 3),
        Fault::NetRedisBlackhole => quick("F7", "a black hole before Redis", NO_LONG_REQUEST, CRASH, 3),
        Fault::NetRedisDelay => quick("F7", "Redis answers 500 ms later", NO_LONG_REQUEST, CRASH, 3),
        Fault::NetPostgresRefuse => quick("F7", "PostgreSQL refuses an instance", NO_LONG_REQUEST, CRASH, 3),
        Fault::NetPostgresReset => {
            quick("F7", "connections to PostgreSQL are reset", NO_LONG_REQUEST, CRASH, 3)
        }
        Fault::NetPostgresBlackhole => {
            quick("F7", "a black hole before PostgreSQL", NO_LONG_REQUEST, CRASH, 3)
        }
        Fault::NetPostgresDelay => quick("F7", "PostgreSQL answers 500 ms later", NO_LONG_REQUEST, CRASH, 3),
        Fault::NetPostgresDropCommit => {
            quick("F7", "the reply of a COMMIT is lost", NO_LONG_REQUEST, CRASH, 6)
        }
        Fault::Zombie => {
            quick("F8", "SIGSTOP for twice the claim idle time, then SIGCONT", "the peer goes on", CRASH, 6)
        }
        Fault::FlashSale => {
            long("F9", "1,000 orders for 100 pieces, at all instances", "exactly 100 sold", SLOW)
        }
        Fault::PoisonNotJson => {
            quick("F10", "an event whose data is not that of its type", DEAD_LETTER, CRASH, 2)
        }
        Fault::PoisonUnknownType => quick("F10", "an event of an unknown type", DEAD_LETTER, CRASH, 2),
        Fault::PoisonFailing => FaultSpec {
            weight: 0,
            usual: 2,
            ..quick(
                "F10",
                "an event whose handler always fails",
                "others' p99 at most doubled; redrive works once",
                SLOW,
                0,
            )
        },
        Fault::TooLarge => quick("F11", "requests beyond the limits", "refused with a clear error", CRASH, 2),
        Fault::Trim => {
            FaultSpec { usual: 2, ..quick("F12", "XTRIM of a stream under a backlog", AGAIN, DATA_LOSS, 2) }
        }
        Fault::PoolExhausted => FaultSpec {
            usual: 2,
            ..quick("F13", "all connections of payment's pool wait for a lock", "503, liveness up", SLOW, 2)
        },
        Fault::DiskFull => {
            long("F13", "PostgreSQL's disk is full (needs root)", "503, liveness up, full recovery", SLOW)
        }
        Fault::OneKey => {
            quick("F14", "50 POSTs at once under one key", "one order; the same answer or 409", CRASH, 3)
        }
        Fault::ClientGone => quick(
            "F14",
            "a client that disconnects at each stage of a request",
            "one order; the key finds it",
            CRASH,
            3,
        ),
        Fault::RollingRestart => FaultSpec {
            usual: 2,
            ..quick(
                "F15",
                "SIGTERM of every instance in turn",
                "exit 0, pending 0, no reset, only 503",
                CRASH,
                2,
            )
        },
        Fault::Overload => long(
            "F16",
            "five times the capacity for 60 s",
            "goodput >= 0.9 of capacity; only 429 and 503; memory bounded",
            within(10, 10, 60),
        ),
        Fault::Backlog => {
            long("F17", "10,000 orders while inventory is down", "drained at twice the intake", SLOW)
        }
        Fault::RedisFull => of_few(
            "F19",
            "maxmemory is reached, an inventory is restarted",
            "it starts; POST stays 2xx",
            HEALED,
            2,
        ),
        Fault::RedisNoreplicas => {
            of_few("F19", "Redis has too few replicas to write (NOREPLICAS)", GOES_ON, HEALED, 2)
        }
        Fault::RedisMisconf => of_few("F19", "Redis cannot write its snapshot (MISCONF)", GOES_ON, HEALED, 2),
        Fault::RedisNoauth => {
            of_few("F19", "the password of Redis is changed, then changed back (NOAUTH)", GOES_ON, HEALED, 2)
        }
        Fault::RedisNoperm => of_few(
            "F19",
            "Redis denies access to refund_order (NOPERM)",
            "orders of other streams end within 5 s",
            HEALED,
            2,
        ),
        Fault::RedisDemoted => of_few(
            "F19",
            "Redis becomes a replica; new connections reach the new primary",
            GOES_ON,
            HEALED,
            2,
        ),
        Fault::PostgresSilent => {
            quick("F21", "open connections to PostgreSQL go silent; new ones work", FIRST, POSTGRES, 3)
        }
        Fault::PostgresReadonly => {
            of_few("F21", "PostgreSQL sessions stay open and are read-only", FIRST_NOT_READY, POSTGRES, 2)
        }
        Fault::PostgresStalePlan => {
            of_few("F21", "ALTER TABLE ... TYPE below running services", FIRST, POSTGRES, 2)
        }
        Fault::PostgresHungHost => {
            lasting("F21", "the first host of DATABASE_URL hangs at the start", "it starts and works", SLOW)
        }
        Fault::PostgresFailover => {
            lasting("F22", "kill -9 of the primary, the synchronous standby is promoted", "0 lost", POSTGRES)
        }
        Fault::RefundRefused => {
            of_few("F23", "the provider refuses two refunds, one of them for good", OTHERS_END, CRASH, 1)
        }
        Fault::ChargesRefused => {
            of_few("F23", "the provider refuses 1,200 charges of one product", OTHERS_END, SLOW, 1)
        }
        Fault::InventoryAway => lasting(
            "F24",
            "inventory is down for N minutes at R orders/s",
            "Redis bounded; drained at twice the intake",
            SLOW,
        ),
        Fault::OutboxLarge => {
            lasting("F25", "FLUSHALL beside N unconfirmed outbox rows", "swept while new orders go on", SLOW)
        }
        Fault::OutboxStuckRow => {
            of_few("F26", "outbox rows that cannot be published", "all others are swept", CRASH, 1)
        }
        Fault::Soak => {
            lasting("F27", "R orders/s for N minutes", "memory, rows, connections and names stay level", SLOW)
        }
        Fault::Partitions => long(
            "F28",
            "16 partitions, slow commits, a burst of orders",
            "no entry is claimed from a live consumer",
            SLOW,
        ),
        Fault::Snapshot => lasting("F29", "a snapshot is held open under load", "p99 at most doubled", CRASH),
        Fault::Clocks => lasting(
            "F30",
            "clocks of two instances apart, one by an hour (needs libfaketime)",
            "charged in time",
            CRASH,
        ),
        Fault::OldProgram => {
            of_few("F31", "an instance restarted beside a newer schema", "it starts and works", CRASH, 1)
        }
        Fault::StaleGroup => lasting(
            "F32",
            "a foreign group without a reader, 40 stale consumer names",
            "trimming goes on, the names are removed",
            SLOW,
        ),
        Fault::CatalogueLost => {
            of_few("F33", "a price changes and its event is lost", "the catalogues agree again", CRASH, 2)
        }
        Fault::RedriveRefused => {
            of_few("F34", "Redis refuses a redrive half-way", "the dead letter is still there", CRASH, 2)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_limit_grants_more_time_to_what_takes_longer() {
        for fault in Fault::value_variants() {
            let Limits { accepts, flows, ended } = fault.spec().limits;
            assert!(accepts <= flows && flows <= ended, "{fault}");
        }
    }
}
