// The server never answers this statement; the flow sets no limit.
import sql from 'k6/x/lifeboat/sql';

const db = sql.open('pgx', __ENV.DSN);
export default function () { db.query('hang'); }
