import 'k6/x/lifeboat';
import * as user from "__FLOW__";

const flow = user.default;
if (typeof flow !== 'function') {
  throw new Error('the flow __FLOW__ exports no default function');
}
const { vus, duration, iterations, stages, scenarios, ...kept } = user.options || {};

export const options = {
  ...kept,
  scenarios: { business: __SCENARIO__ },
  dns: { ...kept.dns, ttl: '0' },
};
export function setup() { return user.setup ? user.setup() : undefined; }
export function teardown(data) { return user.teardown ? user.teardown(data) : undefined; }
export function handleSummary(data) { return user.handleSummary ? user.handleSummary(data) : {}; }
export default function (data) { return flow(data); }
