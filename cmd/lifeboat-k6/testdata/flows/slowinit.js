// Takes long to load.
for (const t = Date.now(); Date.now() - t < 30000;);

export default function () {}
