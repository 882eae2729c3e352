use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use actix::{Actor, ActorContext, Context, Handler, Message};
use actix_rt::Arbiter;
use runtime::shutdown::{Cause, Shutdown};
use runtime::supervisor::{
    ExitReason, Life, RestartPolicy, Roster, State, Supervised, SupervisorHandle, Unavailable,
};
use testing::eventually;

const SOON: Duration = Duration::from_secs(10);

/// Messages, each with the life that handled it.
type Record = Arc<Mutex<Vec<(usize, u32)>>>;

struct Fragile {
    number: usize,
    record: Record,
    life: Life,
}

impl Actor for Fragile {
    type Context = Context<Self>;
}

/// Answers with the number of its life.
#[derive(Message)]
#[rtype(result = "usize")]
struct Note(u32);

#[derive(Message)]
#[rtype(result = "()")]
struct Break;

#[derive(Message)]
#[rtype(result = "()")]
struct End(Option<ExitReason>);

impl Handler<Note> for Fragile {
    type Result = usize;

    fn handle(&mut self, note: Note, _: &mut Self::Context) -> usize {
        self.record.lock().expect("no panic inside").push((self.number, note.0));
        self.number
    }
}

impl Handler<Break> for Fragile {
    type Result = ();

    fn handle(&mut self, _: Break, _: &mut Self::Context) {
        panic!("broken on request");
    }
}

impl Handler<End> for Fragile {
    type Result = ();

    fn handle(&mut self, end: End, context: &mut Self::Context) {
        end.0.into_iter().for_each(|reason| self.life.ends(reason));
        context.stop();
    }
}

fn quick(most_faults: usize) -> RestartPolicy {
    let millisecond = Duration::from_millis(1);
    RestartPolicy {
        first_delay: millisecond,
        longest_delay: millisecond,
        most_faults,
        period: Duration::from_secs(60),
    }
}

fn start(shutdown: &Shutdown, policy: RestartPolicy, record: &Record) -> Supervised<Fragile> {
    let supervisor = SupervisorHandle::start(&Arbiter::current(), &Roster::default(), shutdown.clone());
    let record = Arc::clone(record);
    let mut lives = 0;
    supervisor.supervise("fragile", "one", policy, move |life| {
        lives += 1;
        Fragile { number: lives, record: Arc::clone(&record), life }
    })
}

async fn living(actor: &Supervised<Fragile>, at_least: usize) -> usize {
    let look = async || match actor.send(Note(0)).await {
        Ok(number) if number >= at_least => Ok(number),
        other => Err(other),
    };
    eventually("a fresh actor answers", SOON, look).await
}

#[actix_rt::test]
async fn an_actor_that_panics_is_replaced_by_a_fresh_one() {
    let actor = start(&Shutdown::default(), quick(5), &Record::default());
    assert_eq!(living(&actor, 1).await, 1);
    assert_eq!(actor.send(Break).await, Err(Unavailable));
    assert_eq!(living(&actor, 2).await, 2);
    assert_eq!(actor.status().restarts(), 1);
    assert_eq!(actor.status().last_exit(), Some(ExitReason::Panicked("broken on request".to_owned())));
}

#[actix_rt::test]
async fn no_message_is_handled_by_an_actor_that_has_panicked() {
    let record = Record::default();
    let actor = start(&Shutdown::default(), quick(5), &record);
    living(&actor, 1).await;
    // All in the mailbox before the actor wakes up.
    actor.tell(Note(1)).expect("it is up");
    actor.tell(Break).expect("it is up");
    for number in 2..100 {
        actor.tell(Note(number)).expect("it is up");
    }
    living(&actor, 2).await;
    let handled: Vec<u32> = record
        .lock()
        .expect("no panic inside")
        .iter()
        .filter(|(life, _)| *life == 1)
        .map(|(_, note)| *note)
        .collect();
    assert_eq!(handled, [0, 1]);
}

#[actix_rt::test]
async fn an_actor_that_stops_by_itself_is_replaced_too() {
    let actor = start(&Shutdown::default(), quick(5), &Record::default());
    living(&actor, 1).await;
    actor.send(End(None)).await.expect("answered");
    assert_eq!(living(&actor, 2).await, 2);
    assert_eq!(actor.status().last_exit(), Some(ExitReason::Stopped));
}

#[actix_rt::test]
async fn past_the_intensity_limit_the_process_ends_with_a_fault() {
    let shutdown = Shutdown::default();
    let actor = start(&shutdown, quick(2), &Record::default());
    for life in 1..=3 {
        living(&actor, life).await;
        assert!(!shutdown.has_begun());
        _ = actor.send(Break).await;
    }
    let cause = tokio::time::timeout(SOON, shutdown.wait()).await.expect("it ends").expect("signal handlers");
    assert_eq!(
        cause,
        Cause::Fault(
            "fragile one failed more than 2 times in 60s; last: panicked: broken on request".to_owned()
        )
    );
    let ended = async || (actor.status().state() == State::Ended).then_some(());
    eventually("the child has ended for good", SOON, ended).await;
    assert_eq!(actor.send(Note(0)).await, Err(Unavailable));
}

#[actix_rt::test]
async fn an_outage_is_no_fault_however_long_it_lasts() {
    let shutdown = Shutdown::default();
    let actor = start(&shutdown, quick(0), &Record::default());
    for life in 1..=10 {
        living(&actor, life).await;
        actor.send(End(Some(ExitReason::Disconnected("no Redis".to_owned())))).await.expect("answered");
    }
    living(&actor, 11).await;
    assert!(!shutdown.has_begun());
}

#[actix_rt::test]
async fn a_factory_that_panics_counts_as_a_fault() {
    let shutdown = Shutdown::default();
    let supervisor = SupervisorHandle::start(&Arbiter::current(), &Roster::default(), shutdown.clone());
    let _never = supervisor.supervise::<Fragile>("fragile", "unborn", quick(2), |_| panic!("no parts"));
    let given_up = async || shutdown.has_begun().then_some(());
    eventually("the supervisor gives up", SOON, given_up).await;
}
