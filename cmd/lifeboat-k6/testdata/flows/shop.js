// A whole flow: set-up, options of its own, a data file, steps, checks, a metric, clean-up.
import http from 'k6/http';
import { check } from 'k6';
import { Counter } from 'k6/metrics';
import { flow } from 'k6/x/lifeboat';

const orders = new Counter('shop_orders');
const items = JSON.parse(open('./items.json'));

export const options = { vus: 7, duration: '10m', thresholds: { checks: ['rate>0.9'] } };

export function setup() {
  return { item: items[0] };
}

export default function (data) {
  const seen = flow('catalogue', () => http.get(`${__ENV.BASE_URL}/ok`));
  check(seen, { 'catalogue is shown': (r) => r.status === 200 });
  flow('order', () => {
    const r = http.post(`${__ENV.BASE_URL}/ok`, JSON.stringify(data));
    return check(r, { 'order is taken': (r) => r.status === 200 });
  });
  orders.add(1);
}

export function teardown(data) {
  console.log(`item ${data.item}`);
}
