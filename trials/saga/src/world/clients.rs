//! Customers and `POST /orders`: `payment::store::place` and `payment::http::place`, statement by statement.

use jiff::Timestamp;
use payment::domain::{NewOrder, Order, PaymentMethod, ResponseKind};
use uuid::Uuid;

use super::{INVENTORY, Key, OrderNo, Placed, Reached, Violation, World, name};
use crate::random::Random;

/// Requests an instance has in hand at most.
const IN_FLIGHT: usize = 3;

/// A customer with one idempotency key.
pub struct Client {
    pub cart: usize,
    pub method: PaymentMethod,
    waits: bool,
    /// Sends another body under the same key, too.
    careless: bool,
    pub asked: bool,
    /// The first 2xx: which body was sent, and what came back.
    pub answered: Option<(u8, ResponseKind, Order)>,
    /// Its first body was refused: the key was used for the other one.
    refused: bool,
}

/// A request that a handler is at.
pub struct Request {
    client: usize,
    body: u8,
    no: OrderNo,
    stage: Stage,
}

enum Stage {
    Commit,
    /// With `key_unique` broken: looked up, absent.
    Insert,
    /// `Prefer: wait`: the order is looked at until patience is over.
    Look(OrderNo),
    Record(Box<Order>),
}

impl Client {
    pub fn draw(random: &mut Random, carts: usize) -> Self {
        let method = match random.below(10) {
            0 => PaymentMethod::Declined,
            1 => PaymentMethod::Timeout,
            2 => PaymentMethod::Flaky,
            _ => PaymentMethod::Ok,
        };
        let (cart, waits, careless) = (random.below(carts), random.one_in(3), random.one_in(8));
        Self { cart, method, waits, careless, asked: false, answered: None, refused: false }
    }

    pub fn is_content(&self) -> bool {
        self.answered.is_some() || self.refused
    }
}

impl World<'_> {
    /// Somebody sends a request, or the same one again.
    pub(super) fn clients_step(&mut self) {
        let (client, process) = (self.random.below(self.clients.len()), self.random.below(INVENTORY));
        let body = u8::from(self.clients[client].careless && self.random.one_in(2));
        self.post(client, process, body);
    }

    /// Whoever has no answer asks again, by the same key.
    pub(super) fn clients_ask_again(&mut self) {
        for client in 0..self.clients.len() {
            if !self.clients[client].is_content() {
                self.post(client, client % INVENTORY, 0);
            }
        }
    }

    fn post(&mut self, client: usize, process: usize, body: u8) {
        if self.processes[process].requests.len() >= IN_FLIGHT || self.processes[process].frozen > 0 {
            return;
        }
        let no = self.new_order();
        self.clients[client].asked = true;
        self.processes[process].requests.push(Request { client, body, no, stage: Stage::Commit });
        self.note(|| format!("client {client}: POST body {body} to {} (would be order {no})", name(process)));
    }

    pub(super) fn request_step(&mut self, process: usize) -> bool {
        let requests = self.processes[process].requests.len();
        if requests == 0 {
            return false;
        }
        let which = self.random.below(requests);
        let mut request = self.processes[process].requests.swap_remove(which);
        let next = match std::mem::replace(&mut request.stage, Stage::Commit) {
            Stage::Commit | Stage::Insert if self.fault(5) => None, // 503, nothing done
            Stage::Commit if !self.rules.key_unique && self.key(&request).is_none() => Some(Stage::Insert),
            Stage::Commit => self.place(process, &request),
            Stage::Insert => {
                self.insert(&request);
                self.created(process, &request)
            }
            Stage::Look(no) => self.look(no),
            Stage::Record(order) => self.record(&request, *order),
        };
        if let Some(stage) = next {
            self.processes[process].requests.push(Request { stage, ..request });
        }
        true
    }

    /// The key as the database has it: order and body.
    fn key(&self, request: &Request) -> Option<usize> {
        self.keys.iter().position(|key| key.client == request.client)
    }

    /// One attempt of the group commit: insert, then look up what was not inserted.
    fn place(&mut self, process: usize, request: &Request) -> Option<Stage> {
        if self.key(request).is_none() {
            self.insert(request);
        }
        if self.fault(5) {
            self.reach(Reached::CommitReplyLost);
            return Some(Stage::Commit); // tried again with the same order id
        }
        let key = &self.keys[self.key(request)?];
        let (no, answer, same) = (key.no, key.answer, key.body == request.body);
        if no == request.no {
            return self.created(process, request);
        }
        if !same {
            self.reach(Reached::KeyReused);
            self.clients[request.client].refused |= request.body == 0;
            return None;
        }
        self.reach(Reached::KeyReplayed);
        match answer {
            Some(answer) => {
                let order = self.find(no)?.order.clone();
                self.respond(request, answer, &order);
                None
            }
            None => Some(Stage::Look(no)),
        }
    }

    fn insert(&mut self, request: &Request) {
        let client = &self.clients[request.client];
        let (cart, waits) = (client.cart, client.waits);
        let goods = &self.shop.goods[cart];
        let order = Order::from(NewOrder {
            id: Uuid::from_u128(request.no),
            user_id: Uuid::nil(),
            lines: goods.lines.clone(),
            total: goods.total.clone(),
            method: client.method,
            traceparent: String::new(),
            request_id: String::new(),
            placed_at: Timestamp::UNIX_EPOCH,
        });
        let (history, seen) = (vec![order.status], (1, order.status));
        self.orders.push(Placed {
            no: request.no,
            client: request.client,
            cart,
            order,
            history,
            supply: [0; 2],
            seen,
        });
        let answer = (!waits).then_some(ResponseKind::Accepted);
        self.keys.push(Key { client: request.client, body: request.body, no: request.no, answer });
        self.changed = true;
        self.note(|| format!("order {} of client {} is committed", request.no, request.client));
    }

    /// The order is this request's own: it goes to the cashier, and the customer hears of it.
    fn created(&mut self, process: usize, request: &Request) -> Option<Stage> {
        self.processes[process].cashier.queue.push(request.no);
        if self.clients[request.client].waits {
            return Some(Stage::Look(request.no));
        }
        let order = self.find(request.no)?.order.as_accepted();
        self.respond(request, ResponseKind::Accepted, &order);
        None
    }

    /// `AwaitOrder`: patience may end at any status.
    fn look(&mut self, no: OrderNo) -> Option<Stage> {
        let order = self.find(no)?.order.clone();
        if self.faulty && !order.status.is_terminal() && !self.random.one_in(4) {
            return Some(Stage::Look(no));
        }
        Some(Stage::Record(Box::new(order)))
    }

    /// `RecordResponse`: the first recorded answer counts.
    fn record(&mut self, request: &Request, order: Order) -> Option<Stage> {
        let answer = if order.status.is_terminal() { ResponseKind::Terminal } else { ResponseKind::Accepted };
        let key = self.keys.iter_mut().find(|key| key.client == request.client)?;
        let answer = *key.answer.get_or_insert(answer);
        if answer == ResponseKind::Terminal && !order.status.is_terminal() && self.rules.end_is_looked_up {
            self.reach(Reached::EndLookedUp);
            return Some(Stage::Record(Box::new(self.find(order.id.as_u128())?.order.clone())));
        }
        self.respond(request, answer, &order);
        None
    }

    /// A 2xx: durable, and for one key always the same.
    fn respond(&mut self, request: &Request, answer: ResponseKind, order: &Order) {
        if self.fault(4) {
            return; // the customer has gone
        }
        let shown = if answer == ResponseKind::Accepted { order.as_accepted() } else { order.clone() };
        let Request { client, body, .. } = *request;
        self.note(|| {
            format!(
                "client {client}: 2xx {answer:?} for body {body}: order {} {}",
                shown.id.as_u128(),
                shown.status
            )
        });
        let customer = &mut self.clients[client];
        match &customer.answered {
            None => customer.answered = Some((body, answer, shown)),
            Some(first) if (first.0, first.1, &first.2) == (body, answer, &shown) => {}
            Some(_) => {
                self.violation = Some(Violation::new(
                    "I8 idempotency",
                    format!("client {client} got two different answers"),
                ))
            }
        }
        self.changed = true;
    }
}
