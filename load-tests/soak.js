// The same for a long time: a moderate load, tokens renewed as they end, the catalogue looked at between orders. What leaks or
// fills up shows as a last tenth that is slower than the first, or as memory that grows (scripts/load-test prints it for a stack
// on this machine). Five minutes by default; a real soak is `--duration 8h`.

import exec from 'k6/execution';
import { configure } from './options.js';
import { key } from './run.js';
import { whoAmI } from './shop/customers.js';
import { nth, place } from './shop/orders.js';
import { show } from './shop/products.js';

export const options = configure('soak');
export { setup, teardown } from './run.js';
export { handleSummary } from './report.js';

export default function (run) {
    const customer = whoAmI(run);
    const order = nth(run, exec.scenario.iterationInTest);
    show(run, customer, order.items[0].sku);
    place(run, customer, order, key(run));
}
