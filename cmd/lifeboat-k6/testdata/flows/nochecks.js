// Asks nothing; __ENV.TARGET may fail.
import http from 'k6/http';

export default function () { http.get(`${__ENV.BASE_URL}${__ENV.TARGET || '/ok'}`); }
