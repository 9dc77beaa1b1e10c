// What a customer of the shop does: open the front page, log in, look at the catalogue, order, pay, and find the
// order paid in the history. Every step is a check of its own, and the last one reads back what the others wrote.
//
// BASE_URL (http://app:8080) is where the shop is; SHOP_CUSTOMERS (500) how many customers the data holds.
import http from 'k6/http';
import { check } from 'k6';

const base = __ENV.BASE_URL || 'http://app:8080';
const customers = Number(__ENV.SHOP_CUSTOMERS || 500);

// call sends one request; a shop that does not answer within a second has not answered.
function call(method, path, body, token) {
  const headers = { 'Content-Type': 'application/json' };
  if (token) headers.Authorization = `Bearer ${token}`;
  return http.request(method, `${base}${path}`, body && JSON.stringify(body), { headers, timeout: '1s' });
}

// ask makes one named check of one answer. It returns the answer's body where the check held, else null.
function ask(name, response, holds) {
  let body = null;
  try {
    body = response.json();
  } catch (e) {
    body = null; // no answer, or none that a customer could use
  }
  const good = check(response, {
    [name]: (r) => r.status === 200 && body !== null && body.ok === true && holds(body),
  });
  return good ? body : null;
}

export default function () {
  const front = call('GET', '/');
  if (!check(front, { 'front page opens': (r) => r.status === 200 && r.body.includes('<h1>Shop</h1>') })) return;

  const who = 1 + ((__VU * 7919 + __ITER) % customers);
  const login = call('POST', '/api/login', { name: `customer${who}`, password: `password-${who}` });
  const session = ask('customer is logged in', login, (b) => b.token !== '');
  if (!session) return;

  const shelf = ask('catalogue has products', call('GET', '/api/catalogue'), (b) => b.products.length > 0);
  if (!shelf) return;

  const product = shelf.products[(__VU + __ITER) % shelf.products.length];
  // Unique in this run and in every other run on the same data.
  const key = `flow-${Date.now()}-${__VU}-${__ITER}-${Math.floor(Math.random() * 1e9)}`;
  const wish = { request_key: key, lines: [{ product_id: product.id, quantity: 2 }] };
  const ordered = ask('order is taken', call('POST', '/api/orders', wish, session.token),
    (b) => b.order.status === 'open' && b.order.total_cents === 2 * product.price_cents);
  if (!ordered) return;

  const { id, total_cents: total } = ordered.order;
  const paid = call('POST', `/api/orders/${id}/pay`, { amount_cents: total }, session.token);
  if (!ask('order is paid', paid, (b) => b.order.id === id && b.order.status === 'paid')) return;

  ask('paid order is in the history', call('GET', '/api/orders', null, session.token),
    (b) => b.orders.some((o) => o.id === id && o.status === 'paid' && o.total_cents === total));
}
