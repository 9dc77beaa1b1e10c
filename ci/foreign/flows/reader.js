// What a reader of Miniflux does in a browser: sign in, see the unread articles, add a category, find it in the
// list, remove it. It goes through the pages and their forms, not through the API: the API signs every request by
// itself and never sees that nobody can sign in any more.
import http from 'k6/http';
import { check } from 'k6';

const base = __ENV.BASE_URL || 'http://app:8080';
const username = __ENV.READER_USER || 'reader';
const password = __ENV.READER_PASSWORD || 'foreign-reader-pw';

// The page's own protection against forged forms; empty where there is none.
function csrf(page) {
  const found = /(?:name="csrf" value|data-csrf-token)="([^"]+)"/.exec(page.body || '');
  return found ? found[1] : '';
}

// ask makes one named check of one answer and says whether it held.
function ask(name, page, holds) {
  return check(page, { [name]: (p) => p.status === 200 && holds(p) });
}

export default function () {
  const door = http.get(`${base}/`);
  if (!ask('sign-in page opens', door, (p) => csrf(p) !== '')) return;

  const home = http.post(`${base}/login`, { csrf: csrf(door), username, password });
  if (!ask('reader is signed in', home, (p) => p.url.endsWith('/unread'))) return;
  ask('unread articles are listed', home, (p) => p.body.includes('Article '));

  // Unique among the readers of this run and of every other run on the same data.
  const title = `drill ${Date.now()}-${__VU}-${__ITER}-${Math.floor(Math.random() * 1e9)}`;
  const added = http.post(`${base}/category/save`, { csrf: csrf(home), title });
  if (!ask('category is added', added, (p) => p.url.endsWith('/categories'))) return;

  const list = http.get(`${base}/categories`);
  const before = list.status === 200 ? list.body.split(title)[0].match(/\/category\/(\d+)\/entries/g) : null;
  const entries = before ? before[before.length - 1] : '';
  if (!ask('category is read back', list, (p) => p.body.includes(title) && entries !== '')) return;

  const removed = http.post(`${base}${entries.replace('/entries', '/remove')}`, { csrf: csrf(list) });
  ask('category is removed', removed, (p) => p.url.endsWith('/categories') && !p.body.includes(title));
}
