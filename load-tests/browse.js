// People who look and do not buy: mostly single products, now and then a page of the list. Nothing is ordered.

import exec from 'k6/execution';
import { configure } from './options.js';
import { whoAmI } from './shop/customers.js';
import { list, show } from './shop/products.js';

export const options = configure('browse');
export { setup } from './run.js';
export { handleSummary } from './report.js';

export default function (run) {
    const customer = whoAmI(run);
    const number = exec.scenario.iterationInTest;
    if (Math.random() < run.asked.list) list(run, customer);
    else show(run, customer, run.products[number % run.products.length].sku);
}
