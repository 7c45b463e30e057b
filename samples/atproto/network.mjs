// A PLC directory and two personal data servers with an account each: the code that runs the real network, from npm, on 127.0.0.1.
// Prints { plc, servers, accounts: [{ did, handle, password, server }] } as one line, and serves until its standard input ends.
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const load = createRequire(join(process.env.ATPROTO_CACHE, 'package.json'));
process.env.LOG_ENABLED ??= 'false';

// both servers listen on every address, and have no setting for it
const listen = net.Server.prototype.listen;
net.Server.prototype.listen = function (port, ...rest) {
  return typeof port === 'object' || typeof rest[0] === 'string' ? listen.call(this, port, ...rest) : listen.call(this, port, '127.0.0.1', ...rest);
};

const freePort = () => new Promise(resolve => {
  const probe = net.createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address();
    probe.close(() => resolve(port));
  });
});

async function startDirectory() {
  const { Database, PlcServer } = load('@did-plc/server');
  const port = await freePort();
  await PlcServer.create({ db: Database.mock(), port }).start();
  return `http://localhost:${port}`;
}

// `localhost` is the one host name for which a server's own address has no https
async function startServer(plc, folder) {
  const { PDS, envToCfg, envToSecrets, readEnv } = load('@atproto/pds');
  const port = await freePort();
  mkdirSync(folder);
  Object.assign(process.env, {
    PDS_HOSTNAME: 'localhost', PDS_PORT: String(port), PDS_SERVICE_DID: `did:web:localhost%3A${port}`, PDS_SERVICE_HANDLE_DOMAINS: '.test',
    PDS_DATA_DIRECTORY: folder, PDS_BLOBSTORE_DISK_LOCATION: join(folder, 'blobs'), PDS_DID_PLC_URL: plc,
    PDS_JWT_SECRET: randomBytes(16).toString('hex'), PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: randomBytes(32).toString('hex'), PDS_ADMIN_PASSWORD: randomBytes(16).toString('hex'),
    PDS_INVITE_REQUIRED: 'false', PDS_RATE_LIMITS_ENABLED: 'false',
    PDS_DEV_MODE: 'true', // the directory is on loopback, where a server otherwise refuses to fetch from
  });
  const env = readEnv();
  await (await PDS.create(envToCfg(env), envToSecrets(env))).start();
  return `http://localhost:${port}`;
}

async function createAccount(server, name) {
  const account = { handle: `${name}.test`, email: `${name}@example.com`, password: randomBytes(12).toString('base64url') };
  const answer = await fetch(`${server}/xrpc/com.atproto.server.createAccount`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(account) });
  if (!answer.ok) throw new Error(`createAccount: ${answer.status} ${await answer.text()}`);
  return { did: (await answer.json()).did, handle: account.handle, password: account.password, server };
}

const folder = mkdtempSync(join(tmpdir(), 'atproto-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));

const plc = await startDirectory();
const servers = [await startServer(plc, join(folder, '0')), await startServer(plc, join(folder, '1'))];
const accounts = [await createAccount(servers[0], 'alice'), await createAccount(servers[1], 'bob')];
console.log(JSON.stringify({ plc, servers, accounts }));
process.stdin.on('end', () => process.exit(0)).resume();
