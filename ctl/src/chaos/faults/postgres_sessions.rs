//! F21: PostgreSQL is there, and the sessions that exist are of no use any more.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::meanwhile::{HEALED_WITHIN, WITHIN, readiness_names};
use super::{PlannedFault, Struck};
use crate::chaos::ChaosError;
use crate::chaos::arena::{Arena, PLENTY};
use crate::chaos::buyer::one;
use crate::stack::Kind;

/// Beyond the 5 s in which an instance must say that it is not ready.
const READONLY_FOR: Duration = Duration::from_secs(2);
/// A column of a hot table: its database, what is altered, a type that means the same, its own type.
type Column = (Kind, &'static str, &'static str, &'static str);
const COLUMNS: [Column; 2] = [
    (Kind::Payment, "orders ALTER COLUMN request_id TYPE", "varchar(300) COLLATE \"C\"", "text COLLATE \"C\""),
    (Kind::Inventory, "products ALTER COLUMN name TYPE", "varchar(300)", "text"),
];

/// No byte, no end: as from a firewall that has forgotten the connections. They are never reset, also not at the end.
pub async fn silent(arena: &mut Arena, planned: &PlannedFault) -> Result<Struck, ChaosError> {
    let proxy = &arena.lane(planned.target)?.postgres;
    let before = proxy.landed();
    proxy.silence();
    let recovering = arena.over(planned.limit());
    sleep(planned.hold()).await;
    match arena.lane(planned.target)?.postgres.landed() - before {
        0 => Err(ChaosError::NotLanded(format!("{} had no connection to PostgreSQL", planned.target))),
        hits => Ok(Struck { evidence: format!("{hits} connections of {} went silent", planned.target), recovering }),
    }
}

/// First everything is read-only, which `/readyz` must say. Then only the sessions that exist are, as after a demotion.
pub async fn readonly(arena: &mut Arena, planned: &PlannedFault) -> Result<Struck, ChaosError> {
    let payment = arena.database(Kind::Payment);
    payment.execute("ALTER SYSTEM SET default_transaction_read_only = on").await?;
    payment.execute("SELECT pg_reload_conf()").await?;
    readiness_names(arena, &[Kind::Inventory, Kind::Payment], "database", Some(false)).await;
    sleep(READONLY_FOR).await;
    let refused = payment.takes_writes().await;
    for kind in Kind::ALL {
        arena.database(kind).execute(&override_of(kind, "SET default_transaction_read_only = off")).await?;
    }
    works_again(arena, "sessions are read-only, new ones would not be").await;
    end_readonly(arena).await?;
    let recovering = arena.over(planned.limit());
    match refused {
        Err(why) => Ok(Struck { evidence: format!("a new session said: {why}"), recovering }),
        Ok(()) => Err(ChaosError::NotLanded("PostgreSQL took writes".to_owned())),
    }
}

/// Sessions that began meanwhile do not heed the server's own setting: they end, so that the next fault of this kind lands.
pub async fn end_readonly(arena: &Arena) -> Result<(), ChaosError> {
    let payment = arena.database(Kind::Payment);
    payment.execute("ALTER SYSTEM RESET default_transaction_read_only").await?;
    for kind in Kind::ALL {
        arena.database(kind).execute(&override_of(kind, "RESET default_transaction_read_only")).await?;
    }
    let end =
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    payment.execute("SELECT pg_reload_conf()").await?;
    payment.number(end, &[]).await.map(drop)
}

/// The session that says this may be read-only itself.
fn override_of(kind: Kind, what: &str) -> String {
    format!("SET transaction_read_only = off; ALTER DATABASE {} {what}", kind.database())
}

/// Prepared statements that were right, and are not any more. There and back: both are changes below running services.
pub async fn stale_plan(arena: &mut Arena, planned: &PlannedFault) -> Result<Struck, ChaosError> {
    retype(arena, |(_, _, other, _)| other).await?;
    let changed = arena.database(Kind::Payment).number(IS_VARCHAR, &[]).await?;
    works_again(arena, "a column has another type").await;
    sleep(planned.hold()).await;
    retype(arena, |(.., own)| own).await?;
    let recovering = arena.over(planned.limit());
    match changed {
        1 => Ok(Struck { evidence: "orders.request_id and products.name had another type for a while".to_owned(), recovering }),
        _ => Err(ChaosError::NotLanded("the type is the old one".to_owned())),
    }
}

async fn retype(arena: &Arena, to: fn(&Column) -> &'static str) -> Result<(), ChaosError> {
    for column in &COLUMNS {
        arena.database(column.0).execute(&format!("ALTER TABLE {} {}", column.1, to(column))).await?;
    }
    Ok(())
}

const IS_VARCHAR: &str = "SELECT count(*) FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = 'orders' AND column_name = 'request_id' AND data_type = 'character varying'";

/// First 2xx within 5 s, an order at its end within 15 s.
pub async fn works_again(arena: &mut Arena, when: &str) {
    let began = Instant::now();
    let worked = async {
        let order = arena.buyer.insist(&one(PLENTY), HEALED_WITHIN).await?;
        let accepted = began.elapsed();
        arena.buyer.ended(order, HEALED_WITHIN).await?;
        Ok::<_, ChaosError>(accepted)
    };
    let wrong = match worked.await {
        Ok(accepted) if accepted > WITHIN => Some(format!("first 2xx after {:.1} s, not 5", accepted.as_secs_f64())),
        Ok(_) if began.elapsed() > HEALED_WITHIN => {
            Some(format!("an order at its end after {:.1} s, not 15", began.elapsed().as_secs_f64()))
        }
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    };
    arena.findings.extend(wrong.as_ref().map(|wrong| format!("{when}: {wrong}")));
    arena.judged.progress.note(when, wrong);
}
