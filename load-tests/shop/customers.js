// Who orders: accounts of this run alone, so that all their orders are the run's orders.

import exec from 'k6/execution';
import http from 'k6/http';
import { insist, insistOnAll } from './http.js';

const JSON_BODY = { headers: { 'Content-Type': 'application/json' } };
const AT_ONCE = 8; // `user` hashes two passwords at a time and queues 64

// The pool of tokens: registers so many customers and logs them in.
export function register(user, run, count) {
    const logins = Array.from({ length: count }, (_, n) => ({ email: `${run}-${n}@example.com`.toLowerCase(), password: secret() }));
    insistOnAll('cannot register a customer', 'POST', `${user}/auth/register`, logins, JSON_BODY, AT_ONCE);
    const tokens = insistOnAll('cannot log in', 'POST', `${user}/auth/login`, logins, JSON_BODY, AT_ONCE);
    return logins.map((login, n) => ({ ...login, ...keep(tokens[n]) }));
}

export function logIn(user, login, who) {
    return keep(insist(`cannot log in as ${who}`, 'POST', `${user}/auth/login`, login, JSON_BODY));
}

// Renewed at 60 to 85 % of its life: not too late, and not all of them at once.
const keep = (answer) => ({
    token: answer.access_token,
    renewAt: Date.now() + answer.expires_in * 1000 * (0.6 + 0.25 * Math.random()),
});

// A virtual user of k6 is one of the customers. This module is there once for each of them, so it remembers its own token.
let me = null;

export function whoAmI(run) {
    if (me === null) me = { ...run.customers[(exec.vu.idInTest - 1) % run.customers.length] };
    if (Date.now() > me.renewAt) renew(run);
    return me;
}

// `user` may be away or busy: the old token is good for a while, and it is asked again in two seconds.
function renew(run) {
    const { email, password } = me;
    const answer = http.post(`${run.user}/auth/login`, JSON.stringify({ email, password }), JSON_BODY);
    Object.assign(me, answer.status === 200 ? keep(answer.json()) : { renewAt: Date.now() + 2000 });
}

const secret = () => Array.from({ length: 4 }, () => Math.random().toString(36).slice(2)).join('');
