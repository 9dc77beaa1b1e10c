// What people do with a wiki: open a page, write one, read it back, and look at what was uploaded. Every uploaded file must be what the
// wiki's own database says of it, which is true only where database and files belong together.
import http from 'k6/http';
import crypto from 'k6/crypto';
import { check } from 'k6';

const base = __ENV.BASE_URL || 'http://wiki';
const api = `${base}/api.php`;

function json(answer) {
  try {
    return answer.json();
  } catch (e) {
    return {};
  }
}

export default function () {
  const page = http.get(`${base}/index.php?title=${encodeURIComponent('规程 7')}`);
  check(page, { 'a page is shown': (p) => p.status === 200 && p.body.includes('第 7 条操作规程') });

  const title = `演练 ${Date.now()}-${__VU}-${__ITER}-${Math.floor(Math.random() * 1e9)}`;
  const words = `rollback drill ${title}`;
  const edit = json(http.post(`${api}?action=edit&format=json`, { title, text: words, token: '+\\' }));
  check(edit, { 'a page is written': (e) => e.edit !== undefined && e.edit.result === 'Success' });
  const back = http.get(`${base}/index.php?action=raw&title=${encodeURIComponent(title)}`);
  check(back, { 'and read back': (b) => b.status === 200 && b.body === words });

  const list = json(http.get(`${api}?action=query&list=allimages&aiprop=sha1|url&ailimit=100&format=json`));
  const images = list.query ? list.query.allimages : [];
  check(images, { 'uploaded files are listed': (i) => i.length >= 20 });
  const urls = images.map((i) => ['GET', i.url, null, { responseType: 'binary' }]);
  const files = urls.length ? http.batch(urls) : [];
  check(files, {
    'each of them is what the database says': (all) =>
      all.length > 0 && all.every((f, n) => f.status === 200 && crypto.sha1(f.body, 'hex') === images[n].sha1),
  });
}
