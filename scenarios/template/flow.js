// The business as a customer sees it: one iteration of the default function is
// one customer. It must read back what it wrote: "accepted" is not "delivered".
import http from 'k6/http';
import { check } from 'k6';

export default function () {
  const page = http.get(`${__ENV.BASE_URL}/`);
  check(page, { 'the front page is shown': (r) => r.status === 200 });
}
