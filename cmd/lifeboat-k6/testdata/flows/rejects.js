// Asynchronous, and its promise is rejected.
import { check } from 'k6';
import { flow } from 'k6/x/lifeboat';

export default async function () {
  check(1, { one: (v) => v === 1 });
  await flow('wait', async () => { await Promise.resolve(); throw new Error('late boom'); });
}
