// As k6's own testing library does it: what holds leaves no trace, what does not aborts the test; soft, it marks it.
import http from 'k6/http';
import exec from 'k6/execution';

export default function () {
  const r = http.get(`${__ENV.BASE_URL}${__ENV.TARGET || '/ok'}`);
  if (r.status === 200) return;
  if (__ENV.SOFT) exec.test.fail(`expected 200, got ${r.status}`);
  else exec.test.abort(`expected 200, got ${r.status}`);
}
