// What a cashier does: log in, look at the catalogue, take an order that the device signs, and find it in the book.
// Every step is a check of its own, and the last one reads back what the others wrote.
//
// BASE_URL (http://pos:8080) is where the tills' service is; POS_CASHIER and POS_PIN who logs in.
import http from 'k6/http';
import { check } from 'k6';

const base = __ENV.BASE_URL || 'http://pos:8080';
const cashier = __ENV.POS_CASHIER || 'anna';
const pin = __ENV.POS_PIN || '4711';

// call sends one request; a till that waits longer than that has no answer.
function call(method, path, body, token) {
  const headers = { 'Content-Type': 'application/json' };
  if (token) headers.Authorization = `Bearer ${token}`;
  return http.request(method, `${base}${path}`, body && JSON.stringify(body), { headers, timeout: '4s' });
}

// ask makes one named check of one answer. It returns the answer's body where the check held, else null.
function ask(name, response, status, holds) {
  let body = null;
  try {
    body = response.json();
  } catch (e) {
    body = null; // no answer, or none that a till could use
  }
  return check(response, { [name]: (r) => r.status === status && body !== null && holds(body) }) ? body : null;
}

export default function () {
  const login = ask('cashier is logged in', call('POST', '/login', { cashier, pin }), 200, (b) => b.token !== '');
  if (!login) return;

  const goods = ask('catalogue has goods', call('GET', '/catalogue'), 200, (b) => b.length > 0);
  if (!goods) return;

  const one = goods[(__VU + __ITER) % goods.length];
  const wish = { items: [{ sku: one.sku, quantity: 2 }] };
  const order = ask('order is signed and taken', call('POST', '/order', wish, login.token), 201,
    (b) => b.cents === 2 * one.cents && b.device !== '');
  if (!order) return;

  ask('order is in the book', call('GET', `/orders/${order.order}`), 200,
    (b) => b.order === order.order && b.cents === order.cents && b.cashier === cashier);
}
