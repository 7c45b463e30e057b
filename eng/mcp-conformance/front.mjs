// Adds the token to every request: the suite has no option for a header. Arguments: a port, the endpoint; the token is in TOKEN.
import http from 'node:http';

const [port, endpoint] = process.argv.slice(2);
http.createServer((request, response) => {
  const headers = { ...request.headers, authorization: `Bearer ${process.env.TOKEN}` };
  const onward = http.request(endpoint, { method: request.method, headers }, answer => {
    response.writeHead(answer.statusCode, answer.headers);
    response.flushHeaders();
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  response.on('close', () => onward.destroy());
  request.pipe(onward);
}).listen(port, 'localhost');
