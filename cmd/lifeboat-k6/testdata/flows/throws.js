// Passes its check, then throws in every third iteration.
import { check } from 'k6';
import exec from 'k6/execution';

export default function () {
  check(1, { one: (v) => v === 1 });
  if (exec.scenario.iterationInTest % 3 === 2) { throw new Error('boom'); }
}
