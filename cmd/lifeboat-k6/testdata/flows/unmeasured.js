// Thresholds that nothing is measured for: a scenario of another name, a metric that is never added to. Counters of
// errors that did not come are measured by that.
import { check } from 'k6';
import { Counter, Rate } from 'k6/metrics';

const errors = new Counter('errors');
const late = new Rate('late');
export const options = {
  thresholds: {
    'checks{scenario:buy}': ['rate>0.99'], 'checks{scenario:business}': ['rate>0.99'], late: ['rate<0.01'],
    errors: ['count<1'], 'errors{kind:fatal}': ['count==0'],
  },
};
export default function () {
  check(1, { one: (v) => v === 1 });
  if (!errors || !late) {
    throw new Error('never');
  }
}
