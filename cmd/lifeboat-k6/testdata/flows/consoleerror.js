// All is well, and the script complains.
import { check } from 'k6';

export default function () {
  check(1, { one: (v) => v === 1 });
  console.error('the cache is cold');
}
