// The end of every scenario: a table to read and JSON for machines, with the verdict over the account in both.

import { lasts } from './options.js';

const ROWS = {
    post_order_time: 'POST /orders',
    checkout_time: 'POST to end, as the client sees it',
    journey_time: "POST to end, by the order's own times",
    show_product_time: 'GET /products/{sku}',
    list_products_time: 'GET /products',
};

const PARTS = ['before', 'spike', 'after', 'first tenth', 'last tenth'];

// k6 calls it last of all. Files go where scripts/load-test says.
export function handleSummary(data) {
    // A run that was stopped in setup() has said why.
    if (!data.setup_data) return {};
    const { asked } = data.setup_data;
    const figures = { scenario: asked.name, asked, account: accountOf(data), times: timesOf(data), thresholds: thresholdsOf(data) };
    figures.holds = figures.account === null || figures.account.holds;
    figures.dropped_iterations = counted(data, 'dropped_iterations');
    const text = render(figures);
    const out = __ENV.LOAD_OUT;
    if (!out) return { stdout: text };
    return { [`${out}.txt`]: text, [`${out}.json`]: `${JSON.stringify(figures, null, 2)}\n` };
}

const counted = (data, metric) => (data.metrics[metric] ? data.metrics[metric].values.count : 0);

// null when the scenario orders nothing.
function accountOf(data) {
    if (data.setup_data.asked.name === 'browse') return null;
    const of = (prefix, names) => Object.fromEntries(names.map((name) => [name, counted(data, `${prefix}_${name}`)]));
    const client = of('orders', ['accepted', 'refused', 'unanswered', 'rejected']);
    const shop = of('account', ['confirmed', 'refunded', 'declined', 'open', 'sold', 'taken', 'stock_off']);
    const drain = data.metrics.account_drain_time;
    const found = shop.confirmed + shop.refunded + shop.declined + shop.open;
    // An order that was refused with 503, or not answered at all, may have been taken: 2xx is the only promise.
    const most = client.accepted + client.refused + client.unanswered;
    const holds = shop.open === 0 && shop.stock_off === 0 && client.accepted <= found && found <= most;
    return { ...client, found, ...shop, drain_ms: drain ? drain.values.max : null, holds };
}

// Rows of the table: the metrics of ROWS that have samples, each whole and then in parts.
function timesOf(data) {
    return Object.keys(ROWS).flatMap((metric) =>
        Object.entries(data.metrics)
            .filter(([name, { values }]) => name.split('{')[0] === metric && values.count > 0)
            .map(([name, { values }]) => row(ROWS[metric], (/part:(.*)}/.exec(name) || [])[1], values))
            .sort((one, other) => PARTS.indexOf(one.part) - PARTS.indexOf(other.part)));
}

function row(what, part, { count, med: p50, 'p(90)': p90, 'p(95)': p95, 'p(99)': p99, max }) {
    return { what: part ? `  ${part}` : what, part, count, p50, p90, p95, p99, max };
}

// Without those that only make a row, and those of which there was nothing to measure.
function thresholdsOf(data) {
    return Object.entries(data.metrics).flatMap(([metric, { thresholds, values }]) =>
        Object.entries(thresholds || {})
            .filter(([limit]) => !/>=0$/.test(limit) && values.passes + values.fails !== 0)
            .map(([limit, { ok }]) => ({ metric, limit, ok, value: valueOf(limit, values) }))
    ).sort((one, other) => (one.metric < other.metric ? -1 : 1));
}

const valueOf = (limit, values) => values[/^[a-z]+(\(\d+\))?/.exec(limit)[0]] ?? 0;

function render({ asked, account, times, thresholds, dropped_iterations: dropped }) {
    const parts = [title(asked), timeTable(times, lasts(asked))];
    if (dropped > 0) parts.push(`k6 did not send ${thousands(dropped)} requests: it was short of CPU, or of virtual users (--max-vus)`);
    if (account) parts.push(accountTable(account));
    parts.push(thresholdTable(thresholds));
    return `${parts.join('\n\n')}\n`;
}

function title({ name, rate, duration, peak, spike, products, customers }) {
    const load = spike ? `${rate}/s, for ${spike} ${peak}/s, then ${rate}/s` : `${rate}/s for ${duration}`;
    return `${name}: ${load}, ${products} product${products === 1 ? '' : 's'}, ${customers} customers`;
}

function timeTable(times, seconds) {
    const rows = times.map(({ what, part, count, ...t }) => [
        what, thousands(count), part ? '' : (count / seconds).toFixed(1), ...[t.p50, t.p90, t.p95, t.p99, t.max].map(ms),
    ]);
    return table([['TIMES (ms)', 'COUNT', 'PER S', 'P50', 'P90', 'P95', 'P99', 'MAX'], ...rows]);
}

function accountTable(a) {
    const rows = [
        ['accepted with a 2xx', a.accepted],
        ['refused with 503 or 429', a.refused],
        ['without an answer', a.unanswered],
        ['rejected with another 4xx', a.rejected],
        ['orders found in payment', a.found],
        ['  confirmed', a.confirmed],
        ['  refunded', a.refunded],
        ['  declined', a.declined],
        ['  still open', a.open],
        ['pieces in confirmed orders', a.sold],
        ['pieces taken from stock', a.taken],
    ].map(([what, value]) => [what, thousands(value)]);
    const slow = a.drain_ms === null ? '' : `; the last order ended ${ms(a.drain_ms)} ms after the last was placed`;
    const verdict = a.holds
        ? `ok    the account adds up${slow}`
        : 'MISS  THE ACCOUNT DOES NOT ADD UP: accepted = confirmed + refunded + declined, and stock taken = sold';
    return `${table([['ACCOUNT', 'COUNT'], ...rows])}\n${verdict}`;
}

function thresholdTable(thresholds) {
    const rows = thresholds.map(({ metric, limit, ok, value }) => [ok ? 'ok' : 'MISS', metric, limit, String(round(value))]);
    return table([['LIMITS', 'METRIC', 'WANTED', 'MEASURED'], ...rows], 2);
}

// Columns as wide as their widest cell; from column `words` on numbers, on the right.
function table(rows, words = 1) {
    const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
    const cell = (text, column) => (column < words ? text.padEnd(widths[column]) : text.padStart(widths[column]));
    return rows.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
}

const thousands = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ',');
const ms = (value) => (value < 100 ? value.toFixed(1) : thousands(Math.round(value)));
const round = (value) => Number(value.toPrecision(value < 1 ? 4 : 5));
