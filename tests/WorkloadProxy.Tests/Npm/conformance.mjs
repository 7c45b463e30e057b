// The scored scenarios of the official conformance suite, one after another. Arguments: the endpoint, the revision; the token is in TOKEN, for the suite has no option for a header.
import http from 'node:http';
import { register } from 'node:module';

const [endpoint, revision] = process.argv.slice(2);

// puts the token into every request
const front = http.createServer((request, response) => {
  const headers = { ...request.headers, authorization: `Bearer ${process.env.TOKEN}` };
  const onward = http.request(endpoint, { method: request.method, headers }, answer => {
    response.writeHead(answer.statusCode, answer.headers);
    response.flushHeaders();
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  response.on('close', () => onward.destroy());
  request.pipe(onward);
});
await new Promise(listening => front.listen(0, 'localhost', listening));

// it imports a function of Node.js 22 that its server scenarios do not use
register('data:text/javascript,' + encodeURIComponent(`
  const shim = 'data:text/javascript,' + encodeURIComponent("export * from 'node:fs'; export const globSync = undefined;");
  export const resolve = (name, context, next) => name === 'fs' && context.parentURL?.includes('/conformance/dist/') ? { url: shim, shortCircuit: true } : next(name, context);`));
process.argv = [process.argv[0], 'conformance', 'server', '--url', `http://localhost:${front.address().port}/`, '--requirements', revision];
await import(new URL('./node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url));
