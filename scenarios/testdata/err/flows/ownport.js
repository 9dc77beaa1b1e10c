import http from 'k6/http';
const port = 65018;
export default () => http.get(`http://db:${port}/`) || http.get('http://db:65017/') || 165018;
