import 'k6/x/lifeboat';
import * as user from "__FLOW__";

// The negative control: nothing answers, or a decoy for everybody, whose certificate nobody issued. It is the iterations
// that have to fail; what stands around them may, and must neither keep them from being run nor be waited for.
const flow = user.default;
if (typeof flow !== 'function') {
  throw new Error('the flow __FLOW__ exports no default function');
}
const { vus, duration, iterations, stages, scenarios, ...kept } = user.options || {};

export const options = {
  ...kept,
  scenarios: { business: __SCENARIO__ },
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
