// How long a customer waits: the order is placed, then one long poll until it is at its end. The time is the client's, from the
// first byte of the POST to the last byte of the final answer.

import exec from 'k6/execution';
import { check } from 'k6';
import { checkout } from './metrics.js';
import { configure } from './options.js';
import { key } from './run.js';
import { whoAmI } from './shop/customers.js';
import { end, nth, place } from './shop/orders.js';

export const options = configure('checkout-latency');
export { setup, teardown } from './run.js';
export { handleSummary } from './report.js';

export default function (run) {
    const customer = whoAmI(run);
    const began = Date.now();
    const placed = place(run, customer, nth(run, exec.scenario.iterationInTest), key(run));
    if (placed.status !== 202) return;
    const ended = end(run, customer, placed.json('id'));
    if (check(ended, { 'the order came to its end': (order) => order !== null })) checkout.add(Date.now() - began);
}
