// What a host with the TypeScript SDK gets. Arguments: the SDK's major version, the revision to pin (2 only), and an address or a command; the token is in TOKEN.
const [sdk, pin, target, ...rest] = process.argv.slice(2);
const url = target.startsWith('http') ? new URL(target) : null;
const options = { requestInit: { headers: { Authorization: `Bearer ${process.env.TOKEN}` } } };
const info = { name: 'test', version: '1' };
let client, transport;
if (sdk === '1') {
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js');
  const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/sdk/client/streamableHttp.js');
  const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js');
  client = new Client(info);
  transport = url ? new StreamableHTTPClientTransport(url, options) : new StdioClientTransport({ command: target, args: rest });
} else {
  const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
  const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio');
  client = new Client(info, { versionNegotiation: { mode: pin === 'auto' ? 'auto' : { pin } } });
  transport = url ? new StreamableHTTPClientTransport(url, options) : new StdioClientTransport({ command: target, args: rest });
}
await client.connect(transport);
const tools = (await client.listTools()).tools.map(tool => tool.name).sort();
const created = await client.callTool({ name: 'droplet-create', arguments: { Name: 'agent-1' } });
const refused = await client.callTool({ name: 'droplet-create', arguments: { Name: 'prod' } });
let denied;
try { await client.readResource({ uri: 'do://keys/all' }); } catch (error) { denied = error.code; }
const resource = (await client.readResource({ uri: 'do://droplets/42' })).contents[0].text;
const version = client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion ?? null;
await client.close();
console.log(JSON.stringify({ tools, created: created.content[0].text, isError: refused.isError, refused: refused.content[0].text, denied, resource, version }));
