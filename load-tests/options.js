// Every number of every scenario: what it does by default, and what it must keep to.
//
// `scripts/load-test NAME --rate 300 --duration 5m` replaces a default. Names are written with hyphens there (`--end-p99`), and
// one that a scenario does not have is an error. The limits are for two cores that also run k6, PostgreSQL and Redis, with
// optimised binaries: several times what docs/benchmarks/load-tests/ shows, so that a busy machine does not turn a run red.

// A rate counts new orders (browse: requests) a second. k6 needs 0.3 to 0.5 ms of CPU for each request: on two cores shared with the
// services it offers 1,500 a second honestly, hardly more.
const defaults = {
    smoke: { rate: 20, duration: '5s', customers: 4, products: 5, several: 0.3, declined: 0.1, scarce: 0.2, postP99: 1000, endP99: 3000 },
    orders: { rate: 300, duration: '1m', postP99: 100, endP99: 250 },
    'hot-product': { rate: 400, duration: '15s', products: 1, stock: 2000, several: 0, declined: 0, scarce: 0, postP99: 100, endP99: 400 },
    'checkout-latency': { rate: 100, duration: '1m', several: 0, declined: 0, scarce: 0, postP99: 50, endP99: 150 },
    browse: { rate: 1000, duration: '30s', list: 0.1, showP99: 50, listP99: 100 },
    soak: { rate: 100, duration: '5m', postP99: 100, endP99: 250 },
    // Half of `duration` before the spike and half after it.
    spike: { rate: 100, duration: '40s', peak: 1000, spike: '10s', vus: 300, postP99: 150, endP99: 300 },
};

const common = {
    customers: 50, // accounts; each costs two password hashes, 18 ms of a core each, before the load begins
    products: 100,
    stock: 1000000, // of each product: more than a run takes
    vus: 100, // requests under way at one time, before k6 adds more
    maxVus: 600, // and at most; what does not fit is a dropped iteration
    errors: 0, // share of the requests that may fail or be refused
};
const ofOrders = {
    several: 0.2, // share of the orders with two to four lines
    declined: 0.02, // share of the orders whose payment is declined
    scarce: 0.02, // share of the orders for a product of which there are three
    patience: '60s', // how long the last orders may take to their end before the account is made
    seed: 1, // the n-th order of a seed is always the same
};

// For a fork: what every run must keep to, whatever it does.
const always = (v) => ({
    checks: ['rate==1'],
    requests_failed: [`rate<=${v.errors}`],
    // Then k6 was too slow, or everybody waited: the figures would be those of another load.
    dropped_iterations: [`count<=${Math.ceil(offered(v) / 1000)}`],
});
const adding = { account_open: ['count==0'], account_stock_off: ['count==0'] };
const ordering = (v) => ({
    ...always(v),
    ...adding,
    post_order_time: [`p(99)<${v.postP99}`],
    journey_time: [`p(99)<${v.endP99}`],
});
// A row of the table without a limit.
const shown = ['max>=0'];

const thresholds = {
    smoke: ordering,
    orders: ordering,
    'hot-product': (v) => ({ ...ordering(v), account_unsold: ['count==0'] }),
    'checkout-latency': (v) => ({ ...ordering(v), checkout_time: [`p(99)<${v.endP99}`] }),
    browse: (v) => ({ ...always(v), show_product_time: [`p(99)<${v.showP99}`], list_products_time: [`p(99)<${v.listP99}`] }),
    soak: (v) => ({
        ...ordering(v),
        'journey_time{part:first tenth}': shown,
        'journey_time{part:last tenth}': [`p(99)<${v.endP99}`],
    }),
    // In the spike itself orders may be refused, and may take their time. Before and after it nothing may show.
    spike: (v) => ({
        checks: ['rate==1'],
        dropped_iterations: always(v).dropped_iterations,
        ...adding,
        'requests_failed{part:before}': ['rate==0'],
        'requests_failed{part:spike}': ['rate>=0'],
        'requests_failed{part:after}': ['rate==0'],
        ...Object.fromEntries(['before', 'spike', 'after'].flatMap((part) => [
            [`post_order_time{part:${part}}`, part === 'spike' ? shown : [`p(99)<${v.postP99}`]],
            [`journey_time{part:${part}}`, part === 'spike' ? shown : [`p(99)<${v.endP99}`]],
        ])),
    }),
};

// What this run was asked for: `{ name, ...values }`.
export let asked = {};

// The options of k6 for a scenario.
export function configure(name) {
    asked = { name, ...read(name, __ENV.LOAD_OPTIONS || '') };
    const vus = { preAllocatedVUs: asked.vus, maxVUs: Math.max(asked.vus, asked.maxVus), timeUnit: '1s' };
    const steady = { executor: 'constant-arrival-rate', rate: asked.rate, duration: asked.duration, ...vus };
    return {
        scenarios: { [name]: name === 'spike' ? spike(asked, vus) : steady },
        thresholds: thresholds[name](asked),
        summaryTrendStats: ['count', 'med', 'p(90)', 'p(95)', 'p(99)', 'max'],
        setupTimeout: '5m',
        // The account reads every order: about 3,000 a second.
        teardownTimeout: '2h',
    };
}

function spike(v, vus) {
    const calm = `${seconds(v.duration) / 2}s`;
    const at = (target, duration) => ({ target, duration });
    const stages = [at(v.rate, calm), at(v.peak, '1s'), at(v.peak, v.spike), at(v.rate, '1s'), at(v.rate, calm)];
    return { executor: 'ramping-arrival-rate', startRate: v.rate, stages, ...vus };
}

// `before`, `spike` or `after`, for a moment in seconds from the beginning. A second after the spike still counts as spike.
export function part(v, second) {
    const [calm, spiked] = [seconds(v.duration) / 2, seconds(v.spike)];
    if (second < calm) return 'before';
    return second < calm + spiked + 3 ? 'spike' : 'after';
}

// How long the load lasts, in seconds.
export const lasts = (v) => seconds(v.duration) + (v.spike ? seconds(v.spike) + 2 : 0);

const offered = (v) => v.rate * seconds(v.duration) + (v.spike ? v.peak * seconds(v.spike) : 0);

// `rate=300 end-p99=50`, over the defaults.
function read(name, text) {
    const values = { ...common, ...(name === 'browse' ? {} : ofOrders), ...defaults[name] };
    for (const word of text.split(' ').filter(Boolean)) {
        const [given, value] = [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)];
        const key = given.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
        if (!(key in values)) {
            throw new Error(`${name} has no option --${given}. It has: ${Object.keys(values).map(flag).join(' ')}`);
        }
        values[key] = typeof values[key] === 'number' ? number(given, value) : time(given, value);
    }
    return values;
}

const flag = (key) => `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;

function number(name, text) {
    if (!/^\d+(\.\d+)?$/.test(text)) throw new Error(`--${name} must be a number, got "${text}"`);
    return Number(text);
}

function time(name, text) {
    if (!(seconds(text) > 0)) throw new Error(`--${name} must be a time like 30s, 5m or 2h, got "${text}"`);
    return text;
}

// `1h30m`, `5m`, `30s` in seconds; 0 for anything else.
export function seconds(text) {
    const [, h, m, s] = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?$/.exec(text) || [];
    return Number(h || 0) * 3600 + Number(m || 0) * 60 + Number(s || 0);
}
