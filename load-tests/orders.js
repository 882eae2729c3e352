// Orders at a constant rate over mixed products: one line or several, some declined, some sold out. Customers send the next order
// whether or not the last one has been answered, as people do who know nothing of each other.

import exec from 'k6/execution';
import { configure } from './options.js';
import { key } from './run.js';
import { whoAmI } from './shop/customers.js';
import { nth, place } from './shop/orders.js';

export const options = configure('orders');
export { setup, teardown } from './run.js';
export { handleSummary } from './report.js';

export default function (run) {
    place(run, whoAmI(run), nth(run, exec.scenario.iterationInTest), key(run));
}
