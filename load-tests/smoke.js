// Is everything there, and does it fit together? A few orders of every kind, each followed to its end, and every way to look at
// the shop. Says nothing about speed; its limits are generous, so that it passes with binaries that are not optimised.

import exec from 'k6/execution';
import http from 'k6/http';
import { check, sleep } from 'k6';
import { configure } from './options.js';
import { key } from './run.js';
import { whoAmI } from './shop/customers.js';
import { bearer } from './shop/http.js';
import { end, nth, place } from './shop/orders.js';
import { list, show } from './shop/products.js';

export const options = configure('smoke');
export { setup, teardown } from './run.js';
export { handleSummary } from './report.js';

export default function (run) {
    const customer = whoAmI(run);
    const order = nth(run, exec.scenario.iterationInTest);
    show(run, customer, order.items[0].sku);
    list(run, customer);
    const placed = place(run, customer, order, key(run));
    if (placed.status !== 202) return;
    check(repeat(run, customer, order), {
        'the same key has the same answer': (again) => again.status === 202 && again.body === placed.body,
        'which says that it is a repetition': (again) => again.headers['Idempotency-Replayed'] === 'true',
    });
    check(end(run, customer, placed.json('id')), {
        'the order came to its end': (order) => order !== null,
        'declined by the provider: declined': (ended) => order.payment_method === 'tok_ok' || ended?.status === 'declined',
        'plenty of it: confirmed': (ended) => !plentiful(order) || ended?.status === 'confirmed',
    });
}

const plentiful = (order) => order.payment_method === 'tok_ok' && !order.items[0].sku.endsWith('-SCARCE');

// Not counted as an order: it is the one that is there.
function repeat(run, customer, order) {
    const params = bearer(customer.token, 'POST /orders again');
    params.headers['Idempotency-Key'] = key(run);
    for (let left = 10; ; left -= 1) {
        const answer = http.post(`${run.payment}/orders`, JSON.stringify(order), params);
        if (answer.status !== 503 || left === 0) return answer;
        sleep(1);
    }
}
