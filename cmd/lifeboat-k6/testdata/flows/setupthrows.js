export function setup() { throw new Error('bad setup'); }
export default function () {}
