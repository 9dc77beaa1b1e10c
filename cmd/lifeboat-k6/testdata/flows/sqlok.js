// Talks to the small server of the tests.
import sql from 'k6/x/lifeboat/sql';
import { check } from 'k6';

const db = sql.open('pgx', __ENV.DSN);
export default function () {
  const rows = db.query('select');
  check(rows, {
    'one row': (r) => r.length === 1,
    'a number is a number': (r) => r[0].n === 42,
    'a large one keeps its digits': (r) => r[0].big === '9007199254740993',
    'nothing is null': (r) => r[0].nothing === null,
  });
  check(db.exec('insert'), { 'rows touched': (n) => n === 3 });
}
