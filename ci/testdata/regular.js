// A regular customer, as most flows of real systems are: one account, which logs in once, looks, orders and pays, thinks
// in between, and in the end counts in the history exactly what it did. Nobody else may use the account meanwhile.
import http from 'k6/http';
import { check, sleep } from 'k6';

const base = 'http://app:8080';

function ask(name, method, path, token, body, holds) {
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };
  const r = http.request(method, `${base}${path}`, body && JSON.stringify(body), { headers });
  const said = r.status === 200 ? r.json() : {};
  check(r, { [name]: () => r.status === 200 && said.ok === true && holds(said) });
  sleep(0.1);
  return said;
}

export function setup() {
  const r = http.post(`${base}/api/login`, JSON.stringify({ name: 'customer42', password: 'password-42' }));
  if (r.status !== 200 || !r.json().ok) throw new Error(`customer42 cannot log in: ${r.status} ${r.body}`);
  return { token: r.json().token };
}

export default function ({ token }) {
  check(http.get(`${base}/`), { 'front page opens': (r) => r.status === 200 && r.body.includes('Shop') });
  const shelf = ask('catalogue has products', 'GET', '/api/catalogue', token, null, (b) => b.products.length > 0);
  const before = ask('history opens', 'GET', '/api/orders', token, null, (b) => Array.isArray(b.orders) || b.orders === null);
  if (!shelf.products || !before.ok) return;
  const mine = [];
  for (let i = 0; i < 3; i++) {
    const key = `regular-${Date.now()}-${__VU}-${__ITER}-${i}-${Math.floor(Math.random() * 1e9)}`;
    const wish = { request_key: key, lines: [{ product_id: shelf.products[i].id, quantity: 1 }] };
    const taken = ask('order is taken', 'POST', '/api/orders', token, wish, (b) => b.order.status === 'open');
    if (!taken.order) return;
    ask('order is paid', 'POST', `/api/orders/${taken.order.id}/pay`, token, { amount_cents: taken.order.total_cents },
      (b) => b.order.status === 'paid');
    mine.unshift(taken.order.id);
  }
  ask('catalogue is still there', 'GET', '/api/catalogue', token, null, (b) => b.products.length === shelf.products.length);
  ask('three orders more than before, all mine', 'GET', '/api/orders', token, null, (b) =>
    b.orders.slice(0, 3).every((o, i) => o.id === mine[i] && o.status === 'paid') &&
    (before.orders || []).slice(0, 5).every((o, i) => o.id === b.orders[i + 3].id));
}
