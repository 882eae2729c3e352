// The account: after the load every order of the run is read from payment, and every product from inventory.
//
//     accepted = confirmed + refunded + declined         nothing lost, nothing invented, nothing left open
//     stock taken = pieces in confirmed orders           product by product: nothing oversold, nothing taken twice
//
// Customers and products belong to the run, so this holds beside other traffic too. What was accepted is counted on the client's
// side, by every virtual user; the two sides are compared in report.js, where k6 has added the counts up.

import http from 'k6/http';
import { account, journey } from './metrics.js';
import { lasts, part, seconds } from './options.js';
import { logIn } from './shop/customers.js';
import { bearer, insist } from './shop/http.js';
import { isEnd } from './shop/orders.js';
import { available } from './shop/products.js';

const PAGE = 100; // the most payment gives at once

export function settle(run) {
    const deadline = Date.now() + seconds(run.asked.patience) * 1000;
    const sold = new Map();
    const last = { placed: 0, ended: 0 };
    for (const customer of run.customers) {
        const token = tokenOf(run, customer);
        awaitEnds(run, token, deadline);
        eachOrder(run, token, (order) => {
            count(order, sold);
            time(run, order, last);
        });
    }
    if (last.placed > 0) account.drain.add(Math.max(0, last.ended - last.placed));
    stock(run, sold);
}

// A soak is longer than the life of a token.
function tokenOf(run, { email, password, token, renewAt }) {
    return Date.now() < renewAt ? token : logIn(run.user, { email, password }, email).token;
}

function awaitEnds(run, token, deadline) {
    for (const status of ['pending', 'completed']) {
        for (;;) {
            const [open] = page(run, token, `limit=1&status=${status}`).data;
            if (!open || Date.now() > deadline) break;
            http.get(`${run.payment}/orders/${open.id}?wait=5`, bearer(token, 'account'));
        }
    }
}

function eachOrder(run, token, visit) {
    for (let cursor = ''; cursor !== null;) {
        const { data, next_cursor } = page(run, token, `limit=${PAGE}${cursor && `&cursor=${cursor}`}`);
        data.forEach(visit);
        cursor = next_cursor;
    }
}

const page = (run, token, query) =>
    insist('cannot read the orders', 'GET', `${run.payment}/orders?${query}`, null, bearer(token, 'account'));

function count(order, sold) {
    account[isEnd(order.status) ? order.status : 'open'].add(1);
    if (order.status !== 'confirmed') return;
    for (const { sku, quantity } of order.items) sold.set(sku, (sold.get(sku) || 0) + quantity);
}

function time(run, order, last) {
    const [placed, ended] = [milliseconds(order.created_at), milliseconds(order.updated_at)];
    journey.add(ended - placed, tagged(run.asked, (placed - run.began) / 1000));
    last.placed = Math.max(last.placed, placed);
    last.ended = Math.max(last.ended, ended);
}

// With the microseconds, which Date.parse leaves out.
const milliseconds = (time) => Date.parse(time) + Number(`0.${(/\.\d{3}(\d+)/.exec(time) || [])[1] || 0}`);

// Which part of the run an order belongs to, where the scenario asks.
function tagged(asked, second) {
    if (asked.name === 'spike') return { part: part(asked, second) };
    const share = second / lasts(asked);
    if (asked.name === 'soak' && (share < 0.1 || share >= 0.9)) return { part: share < 0.1 ? 'first tenth' : 'last tenth' };
    return {};
}

function stock(run, sold) {
    const token = tokenOf(run, run.customers[0]);
    for (const { sku, stock } of run.products) {
        const left = available(run, token, sku);
        const [taken, wanted] = [stock - left, sold.get(sku) || 0];
        account.taken.add(taken);
        account.sold.add(wanted);
        account.stockOff.add(Math.abs(taken - wanted));
        if (!sku.endsWith('-SCARCE')) account.unsold.add(left);
        if (taken !== wanted) console.error(`${sku}: ${taken} taken from stock, ${wanted} in confirmed orders`);
    }
}
