throw new Error('bad init');
export default function () {}
