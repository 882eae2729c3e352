// Requests that prepare a run or close it. They are asked again while that may help, and end the run when it does not.

import http from 'k6/http';
import exec from 'k6/execution';
import { sleep } from 'k6';

const PATIENCE = 15; // seconds; a service that is just starting, or busy with passwords, gets this long

export function stop(why) {
    exec.test.abort(why);
}

// The parameters of a request. `name` stands for all requests of its kind: k6 keeps figures for each, and would for each URL.
export const bearer = (token, name) => ({
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    tags: { name },
});

// The body of the answer, parsed. `wanted` are the statuses that will do.
export function insist(what, method, url, body, params, wanted = [200, 201]) {
    const deadline = Date.now() + PATIENCE * 1000;
    for (;;) {
        const answer = http.request(method, url, body === null ? null : JSON.stringify(body), params);
        if (wanted.includes(answer.status)) return answer.body ? answer.json() : null;
        if (!mayPass(answer.status) || Date.now() > deadline) stop(`${what}: ${method} ${url} ${outcome(answer)}`);
        sleep(Math.min(Number(answer.headers['Retry-After'] || 0.5), 5));
    }
}

// The same for many requests of one kind, `atOnce` at a time.
export function insistOnAll(what, method, url, bodies, params, atOnce) {
    const answers = [];
    for (let from = 0; from < bodies.length; from += atOnce) {
        const some = bodies.slice(from, from + atOnce);
        http.batch(some.map((body) => [method, url, JSON.stringify(body), params])).forEach((answer, index) => {
            const done = answer.status === 200 || answer.status === 201;
            answers.push(done ? answer.json() : insist(what, method, url, some[index], params));
        });
    }
    return answers;
}

const mayPass = (status) => status === 0 || status === 429 || status >= 500;

export function outcome(answer) {
    if (answer.status === 0) return `was not answered (${answer.error})`;
    return `was answered ${answer.status}: ${String(answer.body).slice(0, 300)}`;
}
