// What the owner of an account does at the sign-in page of a real server: signs in and consents. Prints where the server then sends the browser.
//   node approve.mjs PAGE HANDLE PASSWORD
// The page is a program that calls the server's JSON endpoints; this calls the same, with the headers that a browser sends by itself. (node:http, for `fetch` sets some of those.)
import { request } from 'node:http';

const [page, username, password] = process.argv.slice(2);
const { origin, href } = new URL(page);
const cookies = new Map();

function send(method, url, headers, body) {
  return new Promise((resolve, reject) => {
    const cookie = [...cookies].map(pair => pair.join('=')).join('; ');
    const sent = request(url, { method, headers: { 'user-agent': 'sample', ...headers, ...(cookie && { cookie }), ...(body && { 'content-length': Buffer.byteLength(body) }) } }, answer => {
      for (const line of answer.headers['set-cookie'] ?? []) {
        const [name, ...value] = line.split(';')[0].split('=');
        cookies.set(name, value.join('='));
      }
      const parts = [];
      answer.on('data', part => parts.push(part)).on('end', () => resolve({ status: answer.statusCode, location: answer.headers.location, text: Buffer.concat(parts).toString() }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const visit = (url, site) => send('GET', url, { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', 'sec-fetch-site': site, referer: href });

async function call(method, body, more = {}) {
  const answer = await send('POST', `${origin}/@atproto/oauth-provider/~api/${method}`, {
    'content-type': 'application/json', accept: 'application/json', origin, referer: href, 'x-csrf-token': cookies.get('csrf-token'),
    'sec-fetch-mode': 'same-origin', 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'empty', ...more,
  }, JSON.stringify(body));
  if (answer.status !== 200) throw new Error(`${method}: ${answer.status} ${answer.text}`);
  return JSON.parse(answer.text);
}

const shown = await visit(page, 'cross-site');
if (shown.status !== 200) throw new Error(`the page answers ${shown.status}`);
const { account, ephemeralToken } = await call('sign-in', { locale: 'en', username, password });
const { url } = await call('consent', account.did ? { did: account.did } : { sub: account.sub }, { authorization: `Bearer ${ephemeralToken}` });
const left = await visit(url, 'same-origin');
if (!left.location) throw new Error(`the server answers ${left.status}`);
console.log(left.location);
