// Logs in once, in setup(), and asks with what it was given then.
import http from 'k6/http';
import { check } from 'k6';

export function setup() {
  const r = http.post(`${__ENV.BASE_URL}/login`);
  if (r.status !== 200) throw new Error(`login: ${r.status}`);
  return { token: r.body };
}
export default function (data) {
  check(http.get(`${__ENV.BASE_URL}/me?token=${data.token}`), { 'is known': (r) => r.status === 200 });
}
export function teardown(data) { console.log(`bye ${data.token}`); }
