// Nothing listens there, and the pair of modules is importable.
import sql from 'k6/x/lifeboat/sql';
import { check } from 'k6';

const db = sql.open(__ENV.DRIVER, __ENV.DSN);
export default function () {
  const rows = db.query('select 1 as n');
  check(rows, { 'one row': (r) => r.length === 1 });
}
