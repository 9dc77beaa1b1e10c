// Takes long to load.
for (const t = Date.now(); Date.now() - t < 5000;);

export default function () {}
