//! F7: the network between one instance and a server.

use std::time::{Duration, Instant};

use super::injected::{EVIDENCE_WITHIN, InjectedFault, NO_REQUEST_OVER};
use super::streams::payment_for;
use crate::ChaosError;
use crate::arena::Arena;
use crate::buyer::{HttpResponse, response_to};
use crate::fault::Fault;
use crate::products::{PLENTY, one};
use crate::profile::UNOPTIMISED;
use crate::proxy::{Mode, Proxy};
use crate::schedule::PlannedFault;
use ctl::stack::Kind;

const SLOWER_BY: Duration = Duration::from_millis(500);
/// A black hole shorter than the services' timeouts is a mere delay.
const LONGER: Duration = Duration::from_secs(3);
/// Until the locks of a disconnected client are free.
const FREED_WITHIN: Duration = Duration::from_secs(3).saturating_add(UNOPTIMISED);
const STUCK: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'
                     AND now() - state_change > $1::float8 * interval '1 second'";

pub async fn outage(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let (mode, hold) = mode(planned);
    let before = proxy(arena, planned)?.landed();
    proxy(arena, planned)?.set(mode);
    let slow = requests_meanwhile(arena, planned, hold).await;
    let locks = locks_are_freed(arena, planned, mode).await;
    let hits = proxy(arena, planned)?.landed() - before;
    proxy(arena, planned)?.set(Mode::Pass);
    let recovering = arena.begin_recovery(planned.limit());
    arena.findings.extend(slow?);
    arena.findings.extend(locks?);
    match hits {
        0 => Err(ChaosError::NotLanded(format!("no byte of {} went through its proxy", planned.target))),
        hits => Ok(InjectedFault {
            evidence: format!("{}: {mode:?} hit {hits} times", planned.target),
            recovering,
        }),
    }
}

pub async fn drop_commit(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let proxy = &arena.lane(planned.target)?.postgres;
    let before = proxy.landed();
    let payment = payment_for(arena, planned.target)?;
    proxy.set(Mode::DropCommitReply);
    let landed = arena.landed(&payment, EVIDENCE_WITHIN, async || match proxy.landed() > before {
        true => Ok(()),
        false => Err(format!("{} committed nothing", planned.target)),
    });
    landed.await?;
    Ok(InjectedFault {
        evidence: format!("{}: the reply of a write was lost", planned.target),
        recovering: arena.begin_recovery(planned.limit()),
    })
}

fn mode(planned: &PlannedFault) -> (Mode, Duration) {
    let hold = planned.hold();
    match planned.fault {
        Fault::NetRedisRefuse | Fault::NetPostgresRefuse => (Mode::Refuse, hold),
        Fault::NetRedisReset | Fault::NetPostgresReset => (Mode::Reset, Duration::ZERO),
        Fault::NetRedisDelay | Fault::NetPostgresDelay => (Mode::Delay(SLOWER_BY), hold),
        _ => (Mode::BlackHole, hold + LONGER),
    }
}

fn proxy<'a>(arena: &'a Arena, planned: &PlannedFault) -> Result<&'a Proxy, ChaosError> {
    let lane = arena.lane(planned.target)?;
    let of_redis =
        [Fault::NetRedisRefuse, Fault::NetRedisReset, Fault::NetRedisBlackhole, Fault::NetRedisDelay];
    Ok(if of_redis.contains(&planned.fault) { &lane.redis } else { &lane.postgres })
}

/// Returns the requests over 5 s.
async fn requests_meanwhile(
    arena: &Arena,
    planned: &PlannedFault,
    hold: Duration,
) -> Result<Vec<String>, ChaosError> {
    let began = Instant::now();
    let mut slow = Vec::new();
    loop {
        let answer = request(arena, planned).await?;
        if answer.took > NO_REQUEST_OVER {
            slow.push(format!(
                "{} during {}: a request took over 5 s: {answer:?}",
                planned.target, planned.fault
            ));
        }
        if began.elapsed() >= hold {
            return Ok(slow);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn request(arena: &Arena, planned: &PlannedFault) -> Result<HttpResponse, ChaosError> {
    let base = arena.url(planned.target)?;
    if planned.target.kind == Kind::Payment {
        return arena.buyer.send(&base, &one(PLENTY), &uuid::Uuid::now_v7().to_string()).await;
    }
    let request = arena.http.get(format!("{base}/products?limit=1"));
    Ok(response_to(request.bearer_auth(arena.admin.account.token().await?)).await)
}

async fn locks_are_freed(
    arena: &Arena,
    planned: &PlannedFault,
    mode: Mode,
) -> Result<Option<String>, ChaosError> {
    if mode != Mode::BlackHole {
        return Ok(None);
    }
    let stuck = arena.database(planned.target.kind).number(STUCK, &[&FREED_WITHIN.as_secs_f64()]).await?;
    Ok((stuck > 0).then(|| {
        format!("{}: {stuck} transactions are open for over 3 s after {}", planned.target, planned.fault)
    }))
}
