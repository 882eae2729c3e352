// What is measured beyond what k6 measures by itself. Times are in milliseconds, from the first byte sent to the last byte read;
// only answers with a 2xx are in them: a refusal is quick, and would make a system in trouble look fast.

import { Counter, Rate, Trend } from 'k6/metrics';

export const postOrder = new Trend('post_order_time', true);
export const checkout = new Trend('checkout_time', true);
export const showProduct = new Trend('show_product_time', true);
export const listProducts = new Trend('list_products_time', true);
// From the request's arrival to the last transition, by the order's own times: every order, without a request more.
export const journey = new Trend('journey_time', true);

export const failed = new Rate('requests_failed');

export const orders = {
    accepted: new Counter('orders_accepted'), // 201 or 202: there is an order
    refused: new Counter('orders_refused'), // 503 or 429
    unanswered: new Counter('orders_unanswered'), // a timeout, a broken connection, another 5xx
    rejected: new Counter('orders_rejected'), // another 4xx: there is none
};

// Filled by the account, when the load is over.
export const account = {
    confirmed: new Counter('account_confirmed'),
    refunded: new Counter('account_refunded'),
    declined: new Counter('account_declined'),
    open: new Counter('account_open'), // pending or completed after all patience
    sold: new Counter('account_sold'), // pieces in confirmed orders
    taken: new Counter('account_taken'), // pieces the products have fewer than at the beginning
    stockOff: new Counter('account_stock_off'), // pieces by which the two differ, product by product
    unsold: new Counter('account_unsold'), // pieces still there
    drain: new Trend('account_drain_time', true), // from the last order's arrival to the last end
};
