// Scenarios of its own, each with its function and its variables.
import http from 'k6/http';
import { check } from 'k6';

export const options = {
  scenarios: {
    buy: { executor: 'constant-vus', vus: 3, duration: '1h', exec: 'buy', env: { WHAT: 'buy', BASE_URL: 'http://shop.example' } },
    look: { executor: 'ramping-vus', stages: [], exec: 'look', env: { WHAT: 'look' } },
  },
  thresholds: { 'checks{scenario:look}': ['rate>0.9'] },
};
function ask(what) {
  check(http.get(`${__ENV.BASE_URL}/ok?${what}`), { [`${what} as ${__ENV.WHAT}`]: (r) => r.status === 200 });
}
export function buy() { ask('buy'); }
export function look() { ask('look'); }
