// A regular customer of one release: what another release answers does not satisfy this flow.
import http from 'k6/http';
import { check } from 'k6';
import regular, { setup } from './regular.js';

export { setup };

export default function (session) {
  const release = http.get('http://app:8080/healthz').json().release;
  if (check(release, { 'release RELEASE answers': (r) => r === RELEASE })) regular(session);
}
