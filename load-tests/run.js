// The frame of every scenario: what happens before the load, and after it.

import exec from 'k6/execution';
import http from 'k6/http';
import { settle } from './account.js';
import { asked } from './options.js';
import { logIn, register } from './shop/customers.js';
import { stop } from './shop/http.js';
import { create } from './shop/products.js';

const SERVICES = { user: 8002, inventory: 8000, payment: 8001 };

// k6 calls it once. What it returns is given to every iteration as `run`.
export function setup() {
    const urls = addresses();
    const admin = { email: given('ADMIN_EMAIL'), password: given('ADMIN_PASSWORD') };
    const { token } = logIn(urls.user, admin, `the ADMIN ${admin.email}`);
    const id = `LOAD-${Math.random().toString(36).slice(2, 10).toUpperCase()}`;
    const products = create(urls.inventory, token, id, asked.products, asked.stock);
    const customers = register(urls.user, id, asked.customers);
    return { id, asked, ...urls, products, customers, began: Date.now() };
}

// k6 calls it once, when the last request has been answered.
export function teardown(run) {
    settle(run);
}

// Unique in this run, and the same when a customer asks again.
export const key = (run) => `${run.id}-${exec.scenario.iterationInTest}`;

// Seconds since the load began.
export const second = () => (Date.now() - exec.scenario.startTime) / 1000;

// Where the services are: each one has to say that it is the one we mean.
function addresses() {
    const urls = {};
    for (const [service, port] of Object.entries(SERVICES)) {
        const variable = `${service.toUpperCase()}_URL`;
        urls[service] = (__ENV[variable] || `http://127.0.0.1:${port}`).replace(/\/+$/, '');
        const answer = http.get(`${urls[service]}/health`, { timeout: '5s' });
        const found = answer.status === 200 && /"service":\s*"(\w+)"/.exec(answer.body);
        const instead = answer.status === 0 ? answer.error : found ? `this is ${found[1]}` : `GET /health was answered ${answer.status}`;
        if (!found || found[1] !== service) {
            stop(`no ${service} at ${urls[service]} (${instead}). Start scripts/up, or give the address with --${service}-url`);
        }
    }
    return urls;
}

function given(name) {
    if (!__ENV[name]) stop(`${name} is not set: products are created by an ADMIN. scripts/up prints the line to paste`);
    return __ENV[name];
}
