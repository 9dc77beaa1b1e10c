import { made, session, turn } from 'k6/x/lifeboat';
import * as user from "__FLOW__";

const wanted = __NAME__;
const all = (user.options || {}).scenarios || {};
const names = Object.keys(all);
if (wanted && !all[wanted]) {
  throw new Error(`the flow __FLOW__ has no scenario ${wanted}; it has ${names.join(', ') || 'none'}`);
}
// One that is named, or the only one, or the default function, or the first.
const name = wanted || (names.length === 1 || !user.default ? names[0] : '');
const chosen = (name && all[name]) || {};
const flow = user[chosen.exec || 'default'];
if (typeof flow !== 'function') {
  throw new Error(`the flow __FLOW__ exports no ${chosen.exec ? `function ${chosen.exec}` : 'default function'}`);
}
const env = Object.fromEntries(Object.entries(chosen.env || {}).filter(([key]) => __ENV[key] === undefined));
const scenario = { ...__SCENARIO__, env, tags: chosen.tags || {} };
const {
  vus, duration, iterations, stages, scenarios, thresholds, minIterationDuration, rps, ...kept
} = user.options || {};

export const options = {
  ...kept,
  scenarios: { [name || 'pulse']: scenario },
  minIterationDuration: '__EVERY__',
  noConnectionReuse: true,
  teardownTimeout: '5s',
  dns: { ...kept.dns, ttl: '0' },
};
export function setup() { return user.setup ? user.setup() : undefined; }
export function teardown(data) { return user.teardown ? user.teardown(latest(data)) : undefined; }
export function handleSummary(data) { return user.handleSummary ? user.handleSummary(data) : {}; }

let seen = 0, own;
// latest is what setup() returned the last time that it was run.
function latest(data) {
  const [times, json] = session();
  if (times !== seen) {
    seen = times;
    own = json === '' ? undefined : JSON.parse(json);
  }
  return times > 0 ? own : data;
}
function keep(data) { made(data === undefined ? '' : JSON.stringify(data)); }

export default function (data) {
  switch (turn(typeof user.setup === 'function')) {
    case 'rest':
      return undefined;
    case 'setup': {
      const data = user.setup();
      return data && typeof data.then === 'function' ? data.then(keep) : keep(data);
    }
  }
  return flow(latest(data));
}
