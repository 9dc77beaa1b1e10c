// Its teardown asks a server that does not answer; its options try to blind the stream and to starve the pulse.
import http from 'k6/http';
import { check } from 'k6';

export const options = { systemTags: ['url'], minIterationDuration: '20s', noUsageReport: false };
export default function () { check(1, { one: (v) => v === 1 }); }
export function teardown() { http.get(`${__ENV.BASE_URL}/hang`); }
