//! F21: PostgreSQL is up, and the existing sessions are unusable.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::time::sleep;
use uuid::Uuid;

use super::injected::InjectedFault;
use super::liveness::{HEALED_WITHIN, NOISE, WITHIN, readiness_names};
use crate::ChaosError;
use crate::arena::Arena;
use crate::buyer::{HttpResponse, response_to};
use crate::products::{PLENTY, one};
use crate::profile::UNOPTIMISED;
use crate::schedule::PlannedFault;
use ctl::instance::InstanceError;
use ctl::stack::{Kind, ServiceId};
use ctl::wait;

/// Twice the connections of a service, so that every silent one is met.
const READS: usize = 16;
/// Added to the 5 s within which an instance must be unready.
const READONLY_FOR: Duration = Duration::from_secs(2);
/// Table, text columns, collation.
type Columns = (Kind, &'static str, &'static [&'static str], &'static str);
const COLUMNS: [Columns; 2] = [
    (
        Kind::Payment,
        "orders",
        &["request_id", "traceparent", "currency", "payment_method", "charge_id"],
        "COLLATE \"C\"",
    ),
    (Kind::Inventory, "products", &["name", "currency"], ""),
];

/// Silences connections, as a firewall does that has dropped their state.
pub async fn silent(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let hits = |arena: &Arena| arena.network.lanes().map(|lane| lane.postgres.landed()).sum::<u64>();
    let before = hits(arena);
    arena.network.lanes().for_each(|lane| lane.postgres.silence());
    let recovering = arena.begin_recovery(planned.limit());
    all_answer_again(arena, "connections to PostgreSQL are silent").await;
    match hits(arena) - before {
        0 => Err(ChaosError::NotLanded("there was no connection to PostgreSQL".to_owned())),
        hits => Ok(InjectedFault { evidence: format!("{hits} connections went silent"), recovering }),
    }
}

async fn all_answer_again(arena: &mut Arena, when: &str) {
    let ids = [arena.ids(Kind::Inventory), arena.ids(Kind::Payment)].concat();
    let looks = join_all(ids.iter().map(|id| answers_again(arena, *id))).await;
    for (id, look) in ids.iter().zip(looks) {
        let wrong = look.err().map(|error| format!("{when}: {error}"));
        arena.findings.extend(wrong.as_ref().map(|wrong| format!("{id}: {wrong}")));
        arena.invariants.progress.note(&id.to_string(), wrong);
    }
}

/// Demands the first 2xx in time, and one for each later request.
async fn answers_again(arena: &Arena, id: ServiceId) -> Result<(), ChaosError> {
    let began = Instant::now();
    wait::until("its first 2xx", WITHIN + NOISE, async || {
        match first_answer(arena, id).await.map_err(|error| error.to_string())? {
            answer if answer.is_ok() => Ok(()),
            answer => Err(format!("{:?} {}", answer.status, answer.text)),
        }
    })
    .await?;
    sleep((WITHIN + NOISE).saturating_sub(began.elapsed())).await;
    let token = arena.admin.account.token().await?;
    let read = format!(
        "{}/{}?limit=1",
        arena.url(id)?,
        if id.kind == Kind::Payment { "orders" } else { "products" }
    );
    let ask =
        async || join_all((0..READS).map(|_| response_to(arena.http.get(&read).bearer_auth(&token)))).await;
    let all_ok = |answers: &[HttpResponse]| answers.iter().all(HttpResponse::is_ok);
    let mut answers = ask().await;
    if !all_ok(&answers) {
        // One pause of the machine is no second refusal.
        sleep(UNOPTIMISED).await;
        answers = ask().await;
    }
    if all_ok(&answers) {
        return Ok(());
    }
    Err(InstanceError::Request { what: format!("{READS} reads after 5 s"), why: statuses(&answers) }.into())
}

async fn first_answer(arena: &Arena, id: ServiceId) -> Result<HttpResponse, ChaosError> {
    let url = arena.url(id)?;
    if id.kind == Kind::Payment {
        return arena.buyer.send(&url, &one(PLENTY), &Uuid::now_v7().to_string()).await;
    }
    Ok(response_to(
        arena.http.get(format!("{url}/products?limit=1")).bearer_auth(arena.admin.account.token().await?),
    )
    .await)
}

/// 0 stands for a failed connection.
fn statuses(answers: &[HttpResponse]) -> String {
    let mut statuses: BTreeMap<u16, u32> = BTreeMap::new();
    answers.iter().for_each(|answer| *statuses.entry(answer.status.unwrap_or_default()).or_default() += 1);
    format!("{statuses:?}")
}

/// Makes PostgreSQL read-only, then only the existing sessions, as after a demotion.
pub async fn readonly(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
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
    let recovering = arena.begin_recovery(planned.limit());
    match refused {
        Err(why) => Ok(InjectedFault { evidence: format!("a new session said: {why}"), recovering }),
        Ok(()) => Err(ChaosError::NotLanded("PostgreSQL took writes".to_owned())),
    }
}

/// Lets the next such fault land.
pub async fn end_readonly(arena: &Arena) -> Result<(), ChaosError> {
    let payment = arena.database(Kind::Payment);
    payment.execute("ALTER SYSTEM RESET default_transaction_read_only").await?;
    for kind in Kind::ALL {
        arena.database(kind).execute(&override_of(kind, "RESET default_transaction_read_only")).await?;
    }
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    payment.execute("SELECT pg_reload_conf()").await?;
    payment.number(end, &[]).await.map(drop)
}

/// The executing session may be read-only as well.
fn override_of(kind: Kind, what: &str) -> String {
    format!("SET transaction_read_only = off; ALTER DATABASE {} {what}", kind.database())
}

/// Invalidates prepared statements by two changes of column types.
pub async fn stale_plan(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    retype(arena, "varchar(300)").await?;
    let changed = arena.database(Kind::Payment).number(IS_VARCHAR, &[]).await?;
    works_again(arena, "columns have another type").await;
    all_answer_again(arena, "columns have another type").await;
    retype(arena, "text").await?;
    let recovering = arena.begin_recovery(planned.limit());
    match changed {
        1 => Ok(InjectedFault {
            evidence: "columns of orders and products had another type for a while".to_owned(),
            recovering,
        }),
        _ => Err(ChaosError::NotLanded("the type is the old one".to_owned())),
    }
}

/// Keeps the values.
async fn retype(arena: &Arena, to: &str) -> Result<(), ChaosError> {
    for (kind, table, columns, collation) in COLUMNS {
        let changes: Vec<String> =
            columns.iter().map(|column| format!("ALTER COLUMN {column} TYPE {to} {collation}")).collect();
        arena.database(kind).execute(&format!("ALTER TABLE {table} {}", changes.join(", "))).await?;
    }
    Ok(())
}

const IS_VARCHAR: &str = "SELECT count(*) FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name = 'orders' AND column_name = 'request_id' AND data_type = 'character varying'";

pub async fn works_again(arena: &mut Arena, when: &str) {
    let began = Instant::now();
    let worked = async {
        let order = arena.buyer.place_until_accepted(&one(PLENTY), HEALED_WITHIN).await?;
        let accepted = began.elapsed();
        arena.buyer.wait_for_end(order, HEALED_WITHIN).await?;
        Ok::<_, ChaosError>(accepted)
    };
    let wrong = match worked.await {
        Ok(accepted) if accepted > WITHIN + UNOPTIMISED => {
            Some(format!("first 2xx after {:.1} s, not 5", accepted.as_secs_f64()))
        }
        Ok(_) if began.elapsed() > HEALED_WITHIN + UNOPTIMISED => {
            Some(format!("an order at its end after {:.1} s, not 15", began.elapsed().as_secs_f64()))
        }
        Ok(_) => None,
        Err(error) => Some(error.to_string()),
    };
    arena.findings.extend(wrong.as_ref().map(|wrong| format!("{when}: {wrong}")));
    arena.invariants.progress.note(when, wrong);
}
