import http from 'k6/http';
import { check } from 'k6';
import { flow } from 'k6/x/lifeboat';
import { base } from './shop/base.js';

// import nothing from 'https://jslib.k6.io/never.js': this line is a comment
const items = JSON.parse(open('./items.json'));

export default function () {
  const seen = flow('order', () => http.post(`${base}/orders`, JSON.stringify(items[0])));
  check(seen, { 'order is taken': (r) => r.status === 201 });
}
