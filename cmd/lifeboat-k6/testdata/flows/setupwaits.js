import { sleep } from 'k6';

export function setup() { for (;;) sleep(1); }
export default function () {}
