import './remote.js';
const x = require(`//cdn.example.com/x.js`);
require('file:///etc/passwd');
