import { check } from 'k6';

export async function setup() {
  if (__ENV.TOKEN) return { token: __ENV.TOKEN };
  throw new Error('nobody logs in');
}
export default function (data) { check(data.token, { 'a token': (t) => t === __ENV.TOKEN }); }
