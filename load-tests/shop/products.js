// What is ordered: products of this run alone, so that their stock is the run's account.

import http from 'k6/http';
import { check } from 'k6';
import { failed, listProducts, showProduct } from '../metrics.js';
import { bearer, insist, insistOnAll } from './http.js';

const AT_ONCE = 10;
const HARDLY_ANY = 3;

// Creates the products: `count` of which there are `stock`, and one that is nearly sold out.
export function create(inventory, admin, run, count, stock) {
    const wanted = Array.from({ length: count }, (_, n) => ({ sku: `${run}-${n + 1}`, stock }));
    wanted.push({ sku: `${run}-SCARCE`, stock: HARDLY_ANY });
    const bodies = wanted.map(({ sku, stock }) => ({ sku, name: sku, price: { amount: 1000, currency: 'EUR' }, stock }));
    insistOnAll('cannot create a product', 'POST', `${inventory}/products`, bodies, bearer(admin, 'POST /products'), AT_ONCE);
    return wanted;
}

// How many are left; without an answer the run is over.
export function available(run, token, sku) {
    return insist('cannot read the stock', 'GET', `${run.inventory}/products/${sku}`, null, bearer(token, 'account')).available;
}

export function show(run, customer, sku) {
    const answer = http.get(`${run.inventory}/products/${sku}`, bearer(customer.token, 'GET /products/{sku}'));
    note(answer, showProduct);
    check(answer, { 'the product is the one asked for': (a) => a.status !== 200 || a.json('sku') === sku });
}

export function list(run, customer) {
    const answer = http.get(`${run.inventory}/products?limit=20`, bearer(customer.token, 'GET /products'));
    note(answer, listProducts);
    check(answer, { 'the list has products': (a) => a.status !== 200 || a.json('data').length > 0 });
}

function note(answer, trend) {
    const good = answer.status === 200;
    failed.add(!good);
    if (good) trend.add(answer.timings.duration);
}
