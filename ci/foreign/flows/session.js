// A session of one reader of Miniflux, through its pages: sign in, make a category, subscribe to a feed in it, star what
// it brought, open an article, count everything that was written, remove it, and count again. Thirteen requests, most of
// them answered by a page that they lead to. The stars of an account are counted before and after, so nobody else may use
// the account meanwhile.
//
// The feed is fetched by Miniflux itself, from another host: where that has a private address, Miniflux refuses unless it
// is told FETCHER_ALLOW_PRIVATE_NETWORKS=1.
import http from 'k6/http';
import { check } from 'k6';

const base = __ENV.BASE_URL || 'http://app:8080';
const publisher = __ENV.PUBLISHER_URL || 'http://news.example.com:8080';
const username = __ENV.READER_USER || 'reader';
const password = __ENV.READER_PASSWORD || 'foreign-reader-pw';

// The page's own protection against forged forms; empty where there is none.
function csrf(page) {
  const found = /(?:name="csrf" value|data-csrf-token)="([^"]+)"/.exec(page.body || '');
  return found ? found[1] : '';
}

// counted is the number that a page shows in its title: Starred (2) - Miniflux.
function counted(page) {
  const found = /<title>[^<]*\((\d+)\)[^<]*<\/title>/.exec(page.body || '');
  return found ? Number(found[1]) : NaN;
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
  const token = csrf(home);
  const send = (path, fields) => http.post(`${base}${path}`, { csrf: token, ...fields });

  const stars = counted(http.get(`${base}/starred`));

  // Unique among the sessions of this run and of every other run on the same data.
  const name = `session-${Date.now()}-${__VU}-${__ITER}-${Math.floor(Math.random() * 1e9)}`;
  const listed = send('/category/save', { title: name });
  const links = ((listed.body || '').split(name)[0].match(/\/category\/\d+\/entries/g) || ['']).pop();
  const category = /\d+/.exec(links);
  if (!ask('category is added', listed, (p) => p.body.includes(name) && category !== null)) return;

  const subscribed = send('/subscribe', { url: `${publisher}/${name}.xml`, category_id: category[0] });
  const feed = /\/feed\/(\d+)\/entries$/.exec(subscribed.url);
  if (!ask('feed of another host is subscribed to', subscribed, () => feed !== null)) return;
  const articles = [...new Set((subscribed.body.match(/\/entry\/(\d+)"/g) || []).map((a) => /\d+/.exec(a)[0]))];
  if (!ask('its three articles are there', subscribed, (p) => counted(p) === 3 && articles.length === 3)) return;

  for (const article of articles.slice(0, 2)) {
    ask('article is starred', send(`/entry/star/${article}`), (p) => p.json() === 'OK');
  }
  const opened = http.get(`${base}/feed/${feed[1]}/entry/${articles[2]}`);
  ask('article is opened', opened, (p) => p.body.includes('Paragraph ') && p.body.includes(name));
  ask('two stars more than before, both mine', http.get(`${base}/starred`),
    (p) => counted(p) === stars + 2 && articles.slice(0, 2).every((a) => p.body.includes(`/starred/entry/${a}"`)));
  ask('category holds what was written', http.get(`${base}/category/${category[0]}/entries/all`),
    (p) => counted(p) === 3 && articles.every((a) => p.body.includes(`/entry/${a}"`)));

  ask('feed is removed', send(`/feed/${feed[1]}/remove`), (p) => p.url.endsWith('/feeds') && !p.body.includes(name));
  ask('category is removed', send(`/category/${category[0]}/remove`), (p) => p.url.endsWith('/categories') && !p.body.includes(name));
  ask('as many stars as before', http.get(`${base}/starred`), (p) => counted(p) === stars);
}
