// Ten times the load from one second to the next, then back. In the spike the services may refuse (503 with Retry-After), and
// may not lose what they took; after it everything is as before it.

import exec from 'k6/execution';
import { configure, part } from './options.js';
import { key, second } from './run.js';
import { whoAmI } from './shop/customers.js';
import { nth, place } from './shop/orders.js';

export const options = configure('spike');
export { setup, teardown } from './run.js';
export { handleSummary } from './report.js';

export default function (run) {
    const tags = { part: part(run.asked, second()) };
    place(run, whoAmI(run), nth(run, exec.scenario.iterationInTest), key(run), tags);
}
