import { check } from 'https://127.0.0.1:1/remote.js';
export default function () { check(1); }
