import http from 'k6/http';
import { uuid } from 'https://jslib.k6.io/k6-utils/1.4.0/index.js';
import moment from "cdnjs.com/libraries/moment.js/2.18.1";
import _ from 'lodash';
/* import 'https://example.com/never.js' */
import './deep.js';
export * from './none.js';
const data = open('data.csv'), other = open("../../secret.txt");
const late = await import('http://example.com/late.js');
http.get('https://example.com/');   // a request, not an import
const re = /it's/; require('/opt/lib.js');
import { shared } from '../beside.js';
