// A flash sale: one product, and more buyers than pieces. Exactly the stock is sold, and everybody else gets the money back.

import exec from 'k6/execution';
import { configure } from './options.js';
import { key } from './run.js';
import { whoAmI } from './shop/customers.js';
import { nth, place } from './shop/orders.js';

export const options = configure('hot-product');
export { setup, teardown } from './run.js';
export { handleSummary } from './report.js';

export default function (run) {
    place(run, whoAmI(run), nth(run, exec.scenario.iterationInTest), key(run));
}
