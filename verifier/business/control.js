import 'k6/x/lifeboat';
import * as user from "__FLOW__";

// The negative control: nothing answers, or a decoy for everybody, whose certificate nobody issued. It is the iterations
// that have to fail; what stands around them may, and must neither keep them from being run nor be waited for.
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
const { vus, duration, iterations, stages, scenarios, thresholds, ...kept } = user.options || {};

// Thresholds of scenarios that are not run are nobody's.
const others = names.filter((other) => other !== name);
const held = Object.entries(thresholds || {}).filter(([metric]) => !others.some((other) => metric.includes(`scenario:${other}}`)
  || metric.includes(`scenario:${other},`)));

export const options = {
  ...kept,
  thresholds: Object.fromEntries(held),
  scenarios: { [name || 'business']: scenario },
  setupTimeout: '10s',
  insecureSkipTLSVerify: true,
  dns: { ...kept.dns, ttl: '0' },
};
export function setup() {
  try {
    const data = user.setup ? user.setup() : undefined;
    return data && typeof data.then === 'function' ? data.then((d) => d, () => undefined) : data;
  } catch (e) {
    return undefined;
  }
}
export function handleSummary() { return {}; }
export default function (data) { return flow(data); }
