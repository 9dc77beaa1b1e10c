// The smallest useful flow.
import http from 'k6/http';
import { check } from 'k6';

export default function () {
  const r = http.get(`${__ENV.BASE_URL}${__ENV.TARGET || '/ok'}`);
  check(r, { 'is 200': (r) => r.status === 200 });
}
