import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { sessionDirectories } from '../../src/session/directories.ts';
import { startTestServer, type TestServer, temporaryDirectory } from '../support/harness.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const bin = (name: string): string => join(root, 'node_modules/.bin', name);
const run = promisify(execFile);

/** Type checks a program against the package, with nothing else but the types of Node or of browsers. */
async function typeCheck(directory: string, file: string, platform: 'node' | 'dom'): Promise<void> {
  const flags = [
    '--noEmit',
    '--strict',
    '--exactOptionalPropertyTypes',
    '--module',
    'nodenext',
    '--target',
    'es2022',
  ];
  const globals = {
    node: ['--lib', 'es2022', '--types', 'node'],
    dom: ['--lib', 'es2022,dom,dom.iterable'],
  };
  await run(bin('tsc'), [...flags, ...globals[platform], file], { cwd: directory }).catch((error) =>
    assert.fail(error.stdout),
  );
}

describe('an example', () => {
  const stack = new AsyncDisposableStack();
  let server: TestServer;
  /** Null as long as the server needs none. */
  let apiKey: string | null = null;
  /** A project with the client as npm would install it. */
  let project: string;
  let files: string[];

  before(async () => {
    server = stack.use(await startTestServer());
    project = stack.use(await temporaryDirectory()).path;
    const target = join(project, 'node_modules/@greenroom/client');
    await mkdir(target, { recursive: true });
    const packed = await run('npm', ['pack', '--json', '--pack-destination', project], {
      cwd: join(root, 'client'),
    });
    const [archive] = JSON.parse(packed.stdout.slice(packed.stdout.indexOf('[\n')));
    files = archive.files.map((file: { path: string }) => file.path);
    await run('tar', ['-xzf', join(project, archive.filename), '-C', target, '--strip-components=1']);
    await mkdir(join(project, 'node_modules/@types'));
    for (const name of ['@types/node', 'undici-types']) {
      await symlink(join(root, 'node_modules', name), join(project, 'node_modules', name));
    }
    await writeFile(join(project, 'package.json'), '{ "type": "module" }');
  });
  after(async () => await stack.disposeAsync());

  const assertWorks = async (command: string, args: string[]): Promise<void> => {
    const env = {
      PATH: process.env.PATH,
      GREENROOM_URL: server.url,
      ...(apiKey === null ? {} : { GREENROOM_API_KEY: apiKey }),
    };
    const { stdout } = await run(command, args, { cwd: project, env, timeout: 60_000 });
    const lines = stdout.trim().split('\n');
    const [, id = ''] = /^session: (\S+)$/.exec(lines[0] ?? '') ?? assert.fail(stdout);
    assert.deepEqual(lines.slice(1, 4), [
      'asks: Bash echo hello > greeting.txt',
      'answer: allowed',
      'state: completed',
    ]);
    const { client } = apiKey === null ? server : server.as(apiKey);
    const session = await client.sessions.get(id);
    assert.equal(lines.slice(4, -1).join('\n'), `result: ${session.turns[0]?.result?.text}`);
    assert.equal(lines.at(-1), `cost: $${session.cost_usd}`);
    assert.ok(session.cost_usd > 0);
    const { workspace } = sessionDirectories(server.context.dataDirectory.path, id);
    assert.equal(await readFile(join(workspace, 'greeting.txt'), 'utf8'), 'hello\n');
  };

  it('does its task with curl, also on a server that needs a key', async () => {
    await assertWorks('bash', [join(root, 'examples/curl.sh')]);
    const scopes = ['sessions:read', 'sessions:write', 'approvals'] as const;
    apiKey = (await server.client.apiKeys.create({ name: 'examples', scopes: [...scopes] })).key;
    await assertWorks('bash', [join(root, 'examples/curl.sh')]);
  });

  it("does its task with Python's standard library", async () => {
    await assertWorks('python3', [join(root, 'examples/python/run.py')]);
  });

  it('does its task with the TypeScript client as it is published, and type checks', async () => {
    await copyFile(join(root, 'examples/typescript/run.ts'), join(project, 'run.ts'));
    await typeCheck(project, 'run.ts', 'node');
    await assertWorks(process.execPath, ['run.ts']);
  });

  it("needs nothing of the server's sources: the client's types stand for themselves", async () => {
    assert.deepEqual(
      files.filter(
        (file) => !/^(dist\/client\/src\/[\w-]+\.(js|d\.ts)|package\.json|README\.md)$/.test(file),
      ),
      [],
    );
    const published = files.filter((file) => file.startsWith('dist/'));
    assert.ok(published.length > 10 && !published.some((file) => file.includes('test')), published.join());
    for (const file of published) {
      const text = await readFile(join(project, 'node_modules/@greenroom/client', file), 'utf8');
      const imported = [...text.matchAll(/\b(?:from|import)\s*\(?'([^']+)'/g)].map(([, name]) => name ?? '');
      assert.deepEqual(
        imported.filter((name) => !/^\.\/[\w-]+\.(js|ts)$/.test(name)),
        [],
        file,
      );
      assert.doesNotMatch(text, /\b(process|Buffer|require)\b\s*[.(]/, file);
    }
    await writeFile(join(project, 'types.ts'), consumer);
    await typeCheck(project, 'types.ts', 'node');
    await typeCheck(project, 'types.ts', 'dom');
  });
});

/** What the types say, and what they refuse. */
const consumer = `
import { type Approval, GreenroomClient, GreenroomError, type Session, type SessionEvent } from '@greenroom/client';

const client = new GreenroomClient({ baseUrl: 'http://127.0.0.1:8000', apiKey: 'key' });
await client.execute({ prompt: 'hello', permission_mode: 'plan', allowed_tools: ['Bash'], max_turns: null });
// @ts-expect-error: no such mode
await client.execute({ prompt: 'hello', permission_mode: 'yolo' });
// @ts-expect-error: no such field
await client.execute({ promt: 'hello' });

const session: Session = await client.sessions.get('id');
const status: 'pending' | 'running' | 'completed' | 'error' | 'cancelled' = session.status;
// @ts-expect-error: it may be null
session.title.length;

export function describe(event: SessionEvent): string {
  if (event.kind === 'turn') return event.data.phase + status;
  if (event.kind === 'approval') return name(event.data.approval);
  if (event.kind === 'prompt') return event.data.text;
  // @ts-expect-error: of other kinds
  return event.data.phase;
}

function name(approval: Approval): string {
  return approval.tool_name;
}

for await (const event of client.sessions.stream('id', { after: 3, deltas: true, kinds: ['turn'] })) {
  if (event.kind === 'reset' || event.kind === 'delta') continue;
  const number: number = event.seq;
  number.toFixed();
}
const { text, error } = await client.run({ prompt: 'hello' }).result;
text?.trim();
if (error?.code === 'max_turns') await client.approvals.allow('id', { scope: 'session' });
// @ts-expect-error: no such code
if (error?.code === 'max_turn') await client.approvals.deny('id');
await client.health().catch((error: unknown) => {
  if (error instanceof GreenroomError && error.code === 'session_running') error.hint?.trim();
});
`;
