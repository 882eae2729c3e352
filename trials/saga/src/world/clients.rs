//! Models `payment::store::place` and `payment::http::place`.

use jiff::Timestamp;
use payment::domain::{NewOrder, Order, ResponseKind};
use uuid::Uuid;

use super::memory::{OrderNo, Request, RequestStage};
use super::reached::Reached;
use super::state::{INVENTORY, Key, Placed, World, name};
use super::violation::Violation;

/// Requests of one instance at most.
const IN_FLIGHT: usize = 3;

impl World<'_> {
    pub(super) fn clients_step(&mut self) {
        let client = self.random.below(self.clients.len());
        let process = self.random.below(INVENTORY);
        let body = u8::from(self.clients[client].careless && self.random.one_in(2));
        self.post(client, process, body);
    }

    /// Repeats unanswered requests with the same key.
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
        self.processes[process].requests.push(Request { client, body, no, stage: RequestStage::Commit });
        self.note(|| format!("client {client}: POST body {body} to {} (would be order {no})", name(process)));
    }

    pub(super) fn request_step(&mut self, process: usize) -> bool {
        let requests = self.processes[process].requests.len();
        if requests == 0 {
            return false;
        }
        let which = self.random.below(requests);
        let mut request = self.processes[process].requests.swap_remove(which);
        let next = match std::mem::replace(&mut request.stage, RequestStage::Commit) {
            RequestStage::Commit | RequestStage::Insert if self.fault(5) => None, // 503, nothing done
            RequestStage::Commit if !self.rules.key_unique && self.key(&request).is_none() => {
                Some(RequestStage::Insert)
            }
            RequestStage::Commit => self.place(process, &request),
            RequestStage::Insert => {
                self.insert(&request);
                self.created(process, &request)
            }
            RequestStage::Look(no) => self.look(no),
            RequestStage::Record(order) => self.record(&request, *order),
        };
        if let Some(stage) = next {
            self.processes[process].requests.push(Request { stage, ..request });
        }
        true
    }

    fn key(&self, request: &Request) -> Option<usize> {
        self.keys.iter().position(|key| key.client == request.client)
    }

    /// Inserts, then looks up a refused key.
    fn place(&mut self, process: usize, request: &Request) -> Option<RequestStage> {
        if self.key(request).is_none() {
            self.insert(request);
        }
        if self.fault(5) {
            self.reach(Reached::CommitReplyLost);
            return Some(RequestStage::Commit); // tried again with the same order id
        }
        let key = &self.keys[self.key(request)?];
        let no = key.no;
        let answer = key.answer;
        let same = key.body == request.body;
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
            None => Some(RequestStage::Look(no)),
        }
    }

    fn insert(&mut self, request: &Request) {
        let client = &self.clients[request.client];
        let cart = client.cart;
        let waits = client.waits;
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
            response: None,
        });
        let history = vec![order.status];
        let seen = (1, order.status);
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

    fn created(&mut self, process: usize, request: &Request) -> Option<RequestStage> {
        self.processes[process].cashier.queue.push(request.no);
        if self.clients[request.client].waits {
            return Some(RequestStage::Look(request.no));
        }
        let order = self.find(request.no)?.order.as_accepted();
        self.respond(request, ResponseKind::Accepted, &order);
        None
    }

    /// The transition to the final state records the response of a request that still waits.
    pub(super) fn record_end(&mut self, no: OrderNo) {
        if let Some(key) = self.keys.iter_mut().find(|key| key.no == no) {
            key.answer.get_or_insert(ResponseKind::Terminal);
        }
    }

    /// `wait::until`: the wait may end at any status.
    fn look(&mut self, no: OrderNo) -> Option<RequestStage> {
        let order = self.find(no)?.order.clone();
        if self.faulty && !order.status.is_terminal() && !self.random.one_in(4) {
            return Some(RequestStage::Look(no));
        }
        Some(RequestStage::Record(Box::new(order)))
    }

    /// `RecordAnswer`: the first recorded answer counts.
    fn record(&mut self, request: &Request, order: Order) -> Option<RequestStage> {
        let answer = if order.status.is_terminal() { ResponseKind::Terminal } else { ResponseKind::Accepted };
        let key = self.keys.iter_mut().find(|key| key.client == request.client)?;
        let answer = *key.answer.get_or_insert(answer);
        if answer == ResponseKind::Terminal && !order.status.is_terminal() && self.rules.end_is_looked_up {
            self.reach(Reached::EndLookedUp);
            return Some(RequestStage::Record(Box::new(self.find(order.id.as_u128())?.order.clone())));
        }
        self.respond(request, answer, &order);
        None
    }

    /// Checks that a key always gets the same 2xx.
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
