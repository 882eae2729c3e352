// Orders: what one looks like, how it is placed, how its end is awaited.

import http from 'k6/http';
import { check } from 'k6';
import { failed, orders, postOrder } from '../metrics.js';
import { bearer, outcome } from './http.js';

// The order with this number; the same one each time.
export function nth(run, number) {
    const { asked, products } = run;
    const draw = draws(asked.seed * 1000003 + number);
    const kind = draw();
    const [plenty, scarce] = [products.slice(0, -1), products[products.length - 1]];
    const lines = draw() < asked.several ? 2 + Math.floor(draw() * 3) : 1;
    const items = kind < asked.scarce ? [{ sku: scarce.sku, quantity: 1 }] : some(plenty, lines, draw);
    return { items, payment_method: draw() < asked.declined ? 'tok_declined' : 'tok_ok' };
}

// Neighbours in the list: a product may be in an order once.
function some(products, wanted, draw) {
    const first = Math.floor(draw() * products.length);
    const lines = Math.min(wanted, products.length);
    return Array.from({ length: lines }, (_, n) => ({ sku: products[(first + n) % products.length].sku, quantity: 1 }));
}

// Places an order and counts how it was answered.
export function place(run, customer, order, key, tags = {}) {
    const params = bearer(customer.token, 'POST /orders');
    params.headers['Idempotency-Key'] = key;
    const answer = http.post(`${run.payment}/orders`, JSON.stringify(order), params);
    const how = judge(answer);
    orders[how].add(1);
    failed.add(how !== 'accepted', tags);
    if (how === 'accepted') postOrder.add(answer.timings.duration, tags);
    if (how === 'refused') check(answer, { 'a refusal says when to come back': (a) => Number(a.headers['Retry-After']) > 0 });
    if (how === 'unanswered' || how === 'rejected') console.error(`POST /orders ${outcome(answer)}`);
    return answer;
}

function judge({ status }) {
    if (status === 201 || status === 202) return 'accepted';
    if (status === 503 || status === 429) return 'refused';
    return status === 0 || status >= 500 ? 'unanswered' : 'rejected';
}

// The order at its end; null when it has none within half a minute.
export function end(run, customer, id) {
    const params = { ...bearer(customer.token, 'GET /orders/{id}?wait=30'), timeout: '40s' };
    const answer = http.get(`${run.payment}/orders/${id}?wait=30`, params);
    failed.add(answer.status !== 200);
    const order = answer.status === 200 ? answer.json() : null;
    return order && isEnd(order.status) ? order : null;
}

export const isEnd = (status) => status === 'confirmed' || status === 'refunded' || status === 'declined';

// mulberry32: a stream of numbers from 0 to 1 for a seed. Math.random has none in k6.
function draws(seed) {
    let state = seed | 0;
    return () => {
        state = (state + 0x6d2b79f5) | 0;
        let t = Math.imul(state ^ (state >>> 15), 1 | state);
        t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    };
}
