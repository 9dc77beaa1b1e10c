// A step returns false; nothing throws and every check passes.
import { check } from 'k6';
import { flow } from 'k6/x/lifeboat';

export default async function () {
  check(1, { one: (v) => v === 1 });
  flow('sync', () => false);
  await flow('async', async () => true);
}
