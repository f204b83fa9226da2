import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmod, chown, mkdir, readdir, readFile, rename, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { covers, startEgressProxy } from '../../src/engine/isolation/egress.ts';
import { coversName } from '../../src/ground/util/host-name.ts';
import { noProxies } from '../../src/ground/util/outgoing-proxy.ts';
import { sessionDirectories } from '../../src/session/directories.ts';
import { answerText, startTestServer, type TestServer, temporaryDirectory } from '../support/harness.ts';
import { SOMEBODY } from '../support/isolation-driver.ts';
import { startOutgoingProxy } from '../support/outgoing-proxy.ts';

const isRoot = process.getuid?.() === 0;

/** Answers with its name; a stand-in for any server on this machine. */
async function listen(name: string): Promise<Server & { port: number }> {
  const server = createServer((_request, response) => response.end(name));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(server, { port: (server.address() as AddressInfo).port });
}

describe('an isolated session', () => {
  const stack = new AsyncDisposableStack();
  let server: TestServer;
  let roots: string;

  before(async () => {
    roots = stack.use(await temporaryDirectory()).path;
    await chmod(roots, 0o755);
    server = stack.use(
      await startTestServer({ config: { isolation: 'bwrap', idleTtl: 0, workspaceRoots: [roots, '/'] } }),
    );
  });
  after(async () => await stack.disposeAsync());

  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  async function run(command: string, options: object = {}): Promise<any> {
    const id = await server.execute({ prompt: `run: ${command}`, allowed_tools: ['Bash'], ...options });
    await server.ended(id);
    return (await server.request('GET', `/sessions/${id}`)).body;
  }

  async function directory(name: string, owner: number, mode = 0o755): Promise<string> {
    const path = join(roots, name);
    await mkdir(path, { mode });
    if (isRoot) await chown(path, owner, owner);
    return path;
  }

  /** The agent program inside, by its id out here. */
  async function programOf(id: string): Promise<number> {
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (command.startsWith('/opt/claude/claude\0') && command.includes(id)) return Number(pid);
    }
    return assert.fail(`no agent runs for ${id}`);
  }

  const workspaceOf = (id: string): string => sessionDirectories(server.config.dataDir, id).workspace;

  it('may bypass permissions, on a server of root as well', async () => {
    const options = { permission_mode: 'bypassPermissions', allowed_tools: [] };
    const { session_id: id, status, error } = await run('echo done > file', options);
    assert.equal(status, 'completed', error);
    assert.equal(await readFile(join(workspaceOf(id), 'file'), 'utf8'), 'done\n');
  });

  it('works in a directory that it was given as the owner of that, under its own path', async () => {
    const cwd = await directory('given', SOMEBODY);
    const session = await run(`pwd > ${cwd}/place`, { cwd });
    assert.equal(session.status, 'completed', session.error);
    assert.equal(await readFile(join(cwd, 'place'), 'utf8'), `${cwd}\n`);
    assert.equal((await stat(join(cwd, 'place'))).uid, isRoot ? SOMEBODY : process.getuid?.());
  });

  it('calls a workspace of its own /workspace', async () => {
    const { session_id: id } = await run('pwd > place');
    assert.equal(await readFile(join(workspaceOf(id), 'place'), 'utf8'), '/workspace\n');
  });

  it('sees a directory where the sandbox has file systems of its own, and nothing beside it', async () => {
    for (const parent of ['/tmp', '/var/tmp', '/dev/shm']) {
      await using made = await temporaryDirectory(parent);
      await chmod(made.path, 0o755);
      const cwd = join(made.path, 'deep', 'given');
      await mkdir(cwd, { recursive: true });
      await writeFile(join(made.path, 'neighbour'), '');
      if (isRoot) await chown(cwd, SOMEBODY, SOMEBODY);
      const session = await run(`(pwd; ls ${made.path}; ls ${parent}) > seen`, { cwd });
      assert.equal(session.status, 'completed', session.error);
      const [place, ...seen] = (await readFile(join(cwd, 'seen'), 'utf8')).trim().split('\n');
      assert.equal(place, cwd);
      assert.ok(seen.includes('deep') && !seen.includes('neighbour'), seen.join(' '));
    }
  });

  it('is given no descriptor of the directories that are mounted for it', async () => {
    const [cwd, shared] = [await directory('mounted', SOMEBODY), await directory('beside', SOMEBODY)];
    const { status, error } = await run('ls -l /proc/[0-9]*/fd > descriptors', {
      cwd,
      additional_directories: [shared],
    });
    assert.equal(status, 'completed', error);
    const lines = (await readFile(join(cwd, 'descriptors'), 'utf8')).trim().split('\n');
    assert.ok(
      lines.filter((line) => line.startsWith('/proc/')).length >= 3,
      'the first process, the agent, the shell',
    );
    const open = lines.flatMap((line) => line.split(' -> ')[1] ?? []);
    assert.ok(open.length > 0);
    for (const path of [cwd, shared, roots, '/']) assert.ok(!open.includes(path), open.join('\n'));
  });

  it('goes on with a conversation that was held while its directory had another name inside', async () => {
    const cwd = await directory('renamed', SOMEBODY);
    const id = await server.execute({ prompt: 'My name is Barbara.', cwd });
    await server.ended(id);
    const { rows } = await sql<{ id: string }>`
      update transcripts set entry = replace(entry::text, ${JSON.stringify(cwd)}, '"/workspace"')::json
      where session_id = ${id} and entry ->> 'cwd' = ${cwd} returning id
    `.execute(server.context.database.db);
    assert.ok(rows.length > 0, 'the transcript names the directory');
    await server.execute({ prompt: 'What is my name?', resume_session_id: id });
    assert.match(answerText(await server.ended(id)), /Barbara/);
  });

  it('tells whoever watches that its agent cannot write in a directory of root', async () => {
    if (!isRoot) return;
    const cwd = await directory('readable', 0);
    const { session_id: id } = await run('true', { cwd });
    const event = await server.event(id, ({ kind, data }) => kind === 'session' && 'warning' in data);
    assert.match(JSON.stringify(event.data), /cannot write in .*readable.*chown/);
  });

  it('keeps rules that name its directory', async () => {
    const cwd = await directory('ruled', SOMEBODY);
    const allowed_tools = [`Edit(/${cwd}/**)`];
    const id = await server.execute({ prompt: 'create a file note with hello', cwd, allowed_tools });
    await server.ended(id);
    assert.match(await readFile(join(cwd, 'note'), 'utf8'), /hello/);
  });

  it('has additional directories under their own paths', async () => {
    const shared = await directory('shared', SOMEBODY);
    await writeFile(join(shared, 'letter'), 'dear agent');
    const { session_id: id } = await run(`cat ${shared}/letter > copy`, { additional_directories: [shared] });
    assert.equal(await readFile(join(workspaceOf(id), 'copy'), 'utf8'), 'dear agent');
  });

  it('is not let into a directory that holds the system, or the server', async () => {
    for (const cwd of ['/', '/var', '/usr', server.config.dataDir]) {
      const session = await run('true', { cwd });
      assert.equal(session.turns[0].error?.code, 'agent_crashed', cwd);
      assert.match(session.turns[0].error.message, /an isolated agent cannot work in/);
    }
  });

  it('is killed when it ignores the interrupt of a cancelled turn', async () => {
    const id = await server.execute({ prompt: 'run: sleep 300', allowed_tools: ['Bash'] });
    await server.event(id, (event) => event.kind === 'sdk' && event.data.type === 'assistant');
    const pid = await programOf(id);
    process.kill(pid, 'SIGSTOP');
    await server.request('POST', `/cancel/${id}`);
    await server.context.worker.released(id);
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });

  it('goes on in another process when its agent dies', async () => {
    const id = await server.execute({ prompt: 'run: sleep 300', allowed_tools: ['Bash'] });
    await server.event(id, (event) => event.kind === 'sdk' && event.data.type === 'assistant');
    process.kill(await programOf(id), 'SIGKILL');
    assert.equal((await server.ended(id)).status, 'completed');
    const { turns } = await server.client.sessions.get(id);
    assert.equal(turns.length, 1);
  });

  it('is not led elsewhere by a link that was put in place of its directory', async () => {
    const cwd = await directory('swapped', SOMEBODY);
    const { session_id: id } = await run('echo ready', { cwd });
    await rename(cwd, `${cwd}-away`);
    await symlink('/etc', cwd);
    const { turns } = await run('ls', { resume_session_id: id });
    assert.match(turns.at(-1).error.message, /swapped does not exist any more, or was replaced by a link/);
  });

  it('never runs as root: a closed directory of root is refused with what mends it, an open one can be read', async () => {
    if (!isRoot) return;
    const closed = await directory('closed', 0, 0o700);
    const refused = await run('true', { cwd: closed });
    assert.match(refused.turns[0].error.message, /closed is closed to it, and agents never run as root/);
    const open = await directory('open', 0);
    await writeFile(join(open, 'note'), 'to read');
    const session = await run('cat note; touch mine; id -u', { cwd: open });
    assert.equal(session.status, 'completed', session.error);
    await assert.rejects(stat(join(open, 'mine')), { code: 'ENOENT' });
  });

  it('gets a user of its own that it keeps, and files that were there before belong to that', async () => {
    if (!isRoot) return;
    const owners = [];
    for (const name of ['one', 'two']) {
      const { session_id: id } = await run('touch made');
      await server.request('PUT', `/sessions/${id}/files/${name}`);
      await run('touch again', { resume_session_id: id });
      const files = ['made', 'again'].map(async (file) => (await stat(join(workspaceOf(id), file))).uid);
      const [made, again] = await Promise.all(files);
      assert.equal(made, again);
      owners.push(made);
    }
    assert.notEqual(owners[0], owners[1]);
  });

  it('reaches the hosts that it may, by a proxy, and no others', async () => {
    const allowed = await listen('allowed');
    const other = await listen('other');
    stack.defer(() => void allowed.close());
    stack.defer(() => void other.close());
    const fetchAll = [
      'import json, sys, urllib.request, urllib.error',
      'def get(port):',
      '  try: return urllib.request.urlopen("http://127.0.0.1:%d/" % port, timeout=10).read().decode()',
      '  except urllib.error.HTTPError as error: return error.code',
      'json.dump([get(int(port)) for port in sys.argv[1:]], open("answers", "w"))',
    ].join('\n');
    const { session_id: id } = await run('echo ready');
    await writeFile(join(workspaceOf(id), 'fetch.py'), fetchAll);
    // The local user may name an MCP server of this machine: the session reaches its port.
    const mcp_servers = { local: { type: 'http', url: `http://127.0.0.1:${allowed.port}/mcp` } };
    const session = await run(`python3 fetch.py ${allowed.port} ${other.port}`, {
      resume_session_id: id,
      mcp_servers,
    });
    assert.equal(session.status, 'completed', session.error);
    assert.deepEqual(JSON.parse(await readFile(join(workspaceOf(id), 'answers'), 'utf8')), ['allowed', 403]);
  });

  it('is refused hosts that the operator does not list, addresses, and what is no name', async () => {
    await using strict = await startTestServer({
      config: { isolation: 'bwrap', egressHosts: ['packages.example.net', '*.example.com'] },
    });
    const answer = async (host: string) =>
      await strict.request('POST', '/execute/', { prompt: 'hello', network: { allowed_hosts: [host] } });
    for (const host of ['packages.example.net', 'a.example.com', '*.b.example.com']) {
      assert.equal((await answer(host)).status, 200, host);
    }
    for (const host of ['example.com', '*.com', '*', '127.0.0.1', 'localhost', 'a.example.com:80', '[::1]']) {
      const { status, body } = await answer(host);
      assert.equal(status, 422, host);
      assert.match(body.errors[0].field, /^network/);
    }
  });

  it('searches the web, by way of the model API, only where it may connect to', async () => {
    const search = async (input: object, extra: object = {}): Promise<string> => {
      const prompt = `use WebSearch ${JSON.stringify(input)}`;
      const id = await server.execute({ prompt, allowed_tools: ['WebSearch'], ...extra });
      const { status, messages } = await server.ended(id);
      assert.equal(status, 'completed');
      const result = messages.find(({ content }) => content.content?.[0]?.type === 'tool_result');
      return String(result?.content.content[0].content);
    };
    const network = { allowed_hosts: ['*.docs.example'] };
    assert.match(await search({ query: 'cats' }), /403 Greenroom: web_search_\d+ may look only at/);
    assert.match(await search({ query: 'cats' }, { network }), /403 Greenroom: .*\*\.docs\.example/);
    const found = await search({ query: 'cats', allowed_domains: ['api.docs.example'] }, { network });
    assert.match(found, /^Web search results for query: "cats"/);
  });

  it('is refused hosts where nothing would hold it to them', async () => {
    await using open = await startTestServer({ config: { isolation: 'none' } });
    const { status, body } = await open.request('POST', '/execute/', {
      prompt: 'hello',
      network: { allowed_hosts: ['example.com'] },
    });
    assert.deepEqual([status, body.errors[0].field], [422, 'network']);
  });

  it('ends its turn as resource_exhausted when its agent dies of a limit', async () => {
    // Enough for the self-test. The agent program has 100 MB of its own from its start on, which the kernel cannot take
    // back; of its file, which another sandbox may have been charged for, nothing needs to count.
    const config = { isolation: 'bwrap', sandboxMemory: 64 * 2 ** 20 } as const;
    await using small = await startTestServer({ config });
    const id = await small.execute({ prompt: 'hello' });
    await small.ended(id);
    const { turns } = (await small.request('GET', `/sessions/${id}`)).body;
    const { warnings } = (await small.request('GET', '/readyz')).body;
    const hasGroups = !warnings.join().includes('memory of agents is not limited');
    assert.equal(turns[0].error?.code, hasGroups ? 'resource_exhausted' : undefined);
    if (hasGroups) assert.match(turns[0].error.message, /limit of memory/);
  });
});

describe('the proxy of a session', () => {
  const stack = new AsyncDisposableStack();
  let socketPath: string;
  let allowed: Server & { port: number };
  let other: Server & { port: number };

  before(async () => {
    socketPath = join(stack.use(await temporaryDirectory()).path, 'egress.sock');
    allowed = await listen('allowed');
    other = await listen('other');
    const rules = [
      { host: '127.0.0.1', port: allowed.port, mayBePrivate: true },
      { host: 'localhost', port: other.port, mayBePrivate: false },
    ];
    stack.defer(await startEgressProxy(socketPath, { rules, allowedPrivateHosts: [], proxies: noProxies }));
    for (const server of [allowed, other]) stack.defer(() => void server.close());
  });
  after(async () => await stack.disposeAsync());

  async function connectThrough(target: string, path = socketPath): Promise<string> {
    const client = connect(path);
    client.write(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n\r\nGET / HTTP/1.0\r\n\r\n`);
    return await text(client);
  }

  async function forward(url: string): Promise<number | undefined> {
    const request = httpRequest({ socketPath, path: url, headers: { host: new URL(url).host } }).end();
    const [response] = await once(request, 'response');
    response.resume();
    return response.statusCode;
  }

  it('makes a tunnel to a host that is allowed', async () => {
    const answer = await connectThrough(`127.0.0.1:${allowed.port}`);
    assert.match(answer, /^HTTP\/1.1 200 .*HTTP\/1.1 200 OK.*allowed$/s);
    assert.equal(await forward(`http://127.0.0.1:${allowed.port}/`), 200);
  });

  it('refuses other ports and hosts, and names that lead to a private address', async () => {
    for (const target of [
      `127.0.0.1:${other.port}`,
      '169.254.169.254:80',
      '[::1]:443',
      'example.com:22',
      'x',
    ]) {
      assert.match(await connectThrough(target), /^HTTP\/1.1 403 .*not among the hosts/s, target);
    }
    assert.match(await connectThrough(`localhost:${other.port}`), /^HTTP\/1.1 403 .*private address/s);
    assert.equal(await forward(`http://localhost:${other.port}/`), 403);
    assert.equal(await forward('http://169.254.169.254/latest/'), 403);
  });

  it('answers a target that is none with 403, and goes on', async () => {
    for (const target of ['a b:c:d', 'x:99999', ':1', '%', '[']) {
      assert.match(await connectThrough(target), /^HTTP\/1.1 40[03]/, target);
    }
    assert.equal(await forward(`http://127.0.0.1:${allowed.port}/`), 200);
  });

  it('leads through the proxy that is the way out of this network, to what the session may reach', async () => {
    using way = await startOutgoingProxy(() => allowed.port);
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'egress.sock');
    const rules = ['packages.example.test', '10.1.2.3', 'db.internal', '127.0.0.1'].flatMap((host) =>
      [443, 80, allowed.port].map((port) => ({ host, port, mayBePrivate: host === '127.0.0.1' })),
    );
    const proxies = { httpProxy: way.url, httpsProxy: way.url, noProxy: [] };
    const end = await startEgressProxy(path, { rules, allowedPrivateHosts: [], proxies });
    const through = await connectThrough('packages.example.test:443', path);
    assert.match(through, /^HTTP\/1.1 200 .*HTTP\/1.1 200 OK.*allowed$/s);
    const request = httpRequest({
      socketPath: path,
      path: 'http://packages.example.test/a?b',
      headers: { host: 'evil' },
    });
    const [response] = await once(request.end(), 'response');
    assert.equal(await text(response), 'by the proxy');
    assert.deepEqual(way.asked, [
      'CONNECT packages.example.test:443',
      'GET http://packages.example.test/a?b',
    ]);
    assert.match(
      await connectThrough('other.example.test:443', path),
      /^HTTP\/1.1 403 .*not among the hosts/s,
    );
    assert.match(await connectThrough('10.1.2.3:443', path), /^HTTP\/1.1 403 .*private address/s);
    assert.match(await connectThrough('db.internal:443', path), /^HTTP\/1.1 403 .*cannot be found/s);
    assert.match(await connectThrough(`127.0.0.1:${allowed.port}`, path), /^HTTP\/1.1 200 .*allowed$/s);
    assert.equal(way.asked.length, 2, 'none of these were the proxy’s to answer');
    end();
  });

  it('says 502 where the proxy lets nobody through', async () => {
    using way = await startOutgoingProxy(() => allowed.port);
    await using directory = await temporaryDirectory();
    const path = join(directory.path, 'egress.sock');
    const rules = [{ host: 'packages.example.test', port: 443, mayBePrivate: false }];
    const proxies = { ...noProxies, httpsProxy: way.withoutPassword };
    const end = await startEgressProxy(path, { rules, allowedPrivateHosts: [], proxies });
    assert.match(await connectThrough('packages.example.test:443', path), /^HTTP\/1.1 502 /);
    end();
  });

  it('takes a pattern for the names below it, and nothing else', () => {
    assert.ok(coversName('*.example.com', 'a.b.example.com'));
    assert.ok(coversName('*.example.com', '*.a.example.com'));
    assert.ok(coversName('Example.com', 'example.com.'));
    for (const name of ['example.com', 'badexample.com', '*.com', 'example.com.evil.net']) {
      assert.ok(!coversName('*.example.com', name), name);
    }
    assert.ok(!covers({ host: 'example.com', port: 443 }, { host: 'example.com', port: 22 }));
  });
});
