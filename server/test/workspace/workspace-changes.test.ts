import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { AppError } from '../../src/ground/errors.ts';
import { createSilentLogger } from '../../src/ground/log.ts';
import { sessionDirectories } from '../../src/session/directories.ts';
import { WorkspaceHistory } from '../../src/workspace/history.ts';
import type { WorkspacePlace } from '../../src/workspace/place.ts';
import {
  type Answer,
  createDatabase,
  startTestServer,
  type TestServer,
  temporaryDirectory,
} from '../support/harness.ts';
import { startSwapping } from '../support/swapping.ts';

const run = promisify(execFile);
const PATH = '/usr/local/bin:/usr/bin:/bin';
const UNKNOWN_ID = '019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f';

/** Runs git as a user would, in a checkout of theirs. */
async function git(directory: string, ...args: string[]): Promise<string> {
  const env = { PATH, HOME: directory, GIT_CONFIG_GLOBAL: '/dev/null' };
  const user = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', '-c', 'init.defaultBranch=main'];
  return (await run('git', [...user, ...args], { cwd: directory, env })).stdout;
}

async function makeCheckout(directory: string, files: Record<string, string>): Promise<void> {
  await mkdir(directory, { recursive: true });
  await git(directory, 'init', '-q');
  await writeFiles(directory, files);
  await git(directory, 'add', '-A');
  await git(directory, 'commit', '-q', '-m', 'start');
}

async function writeFiles(directory: string, files: Record<string, string>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(directory, name, '..'), { recursive: true });
    await writeFile(join(directory, name), content);
  }
}

describe('what a session changes', () => {
  const stack = new AsyncDisposableStack();
  let server: TestServer;
  let projects: string;

  before(async () => {
    projects = await realpath(stack.use(await temporaryDirectory()).path);
    server = stack.use(await startTestServer({ config: { workspaceRoots: [projects] } }));
  });
  after(async () => await stack.disposeAsync());

  const workspaceOf = (id: string): string =>
    sessionDirectories(server.context.dataDirectory.path, id).workspace;

  const bash = (command: string): object => ({ prompt: `run: ${command}`, allowed_tools: ['Bash'] });
  const start = async (body: object, on = server): Promise<string> => {
    const id = await on.execute(body);
    const { status, error } = await on.ended(id);
    assert.equal(status, 'completed', error ?? '');
    return id;
  };
  const resume = async (id: string, body: object, on = server): Promise<string> => {
    await start({ ...body, resume_session_id: id }, on);
    const { body: session } = await on.request('GET', `/sessions/${id}`);
    return session.turns.at(-1).turn_id;
  };
  const changesOf = async (id: string, query = ''): Promise<Answer> =>
    await server.request('GET', `/sessions/${id}/changes${query}`);
  const summary = (answer: Answer): string[] =>
    answer.body.files.map(
      (file: { status: string; path: string; additions: number; deletions: number; binary: boolean }) =>
        `${file.status} ${file.path} ${file.binary ? 'binary' : `+${file.additions} -${file.deletions}`}`,
    );
  const firstTurn = async (id: string): Promise<string> =>
    (await server.request('GET', `/sessions/${id}`)).body.turns[0].turn_id;
  const rewind = async (id: string, body: object, on = server): Promise<Answer> =>
    await on.request('POST', `/sessions/${id}/rewind`, body);

  describe('GET /sessions/{id}/changes', () => {
    it('shows what Write and Bash made in a workspace of its own', async () => {
      const id = await start({
        prompt: 'create a file note.txt with hello',
        permission_mode: 'acceptEdits',
      });
      await resume(
        id,
        bash("mkdir -p sub && printf 'a\\nb\\n' > sub/list && printf '\\000\\001' > data.bin"),
      );
      const answer = await changesOf(id);
      assert.equal(answer.body.base, 'start');
      assert.equal(answer.body.truncated, false);
      assert.deepEqual(summary(answer), [
        'added data.bin binary',
        'added note.txt +1 -0',
        'added sub/list +2 -0',
      ]);
      assert.match(answer.body.diff, /^diff --git a\/sub\/list b\/sub\/list\nnew file mode 100644$/m);
      assert.match(answer.body.diff, /^\+a\n\+b$/m);
      assert.match(answer.body.diff, /Binary files \/dev\/null and b\/data\.bin differ/);
    });

    it('shows in a git checkout only what the session did, not what was uncommitted before', async () => {
      const cwd = join(projects, 'checkout');
      const text = Array.from({ length: 40 }, (_, line) => `line ${line}\n`).join('');
      await makeCheckout(cwd, {
        'edited.txt': text,
        'gone.txt': 'gone\n',
        'old-name.txt': text,
        'kept.txt': 'kept\n',
      });
      await writeFiles(cwd, {
        'kept.txt': 'dirty before\n',
        'untracked.txt': 'before\n',
        'edited.txt': `${text}dirty\n`,
      });
      const id = await start({
        ...bash(
          "sed -i 's/line 20/LINE 20/' edited.txt && rm gone.txt && mv old-name.txt new-name.txt && chmod +x kept.txt",
        ),
        cwd,
      });
      const answer = await changesOf(id);
      assert.deepEqual(summary(answer), [
        'modified edited.txt +1 -1',
        'deleted gone.txt +0 -1',
        'modified kept.txt +0 -0',
        'renamed new-name.txt +0 -0',
      ]);
      assert.equal(answer.body.files[3].old_path, 'old-name.txt');
      assert.doesNotMatch(answer.body.diff, /dirty before|untracked/);
      assert.match(answer.body.diff, /old mode 100644\nnew mode 100755/);
      assert.match(answer.body.diff, /rename from old-name\.txt\nrename to new-name\.txt/);
      assert.equal(await git(cwd, 'status', '--short', 'untracked.txt'), '?? untracked.txt\n');
    });

    it('gives the diff alone when asked, with as much context and of the path that is wanted', async () => {
      const cwd = join(projects, 'context');
      const text = Array.from({ length: 9 }, (_, line) => `${line}\n`).join('');
      await makeCheckout(cwd, { 'a/one.txt': text, 'b/two.txt': text });
      const id = await start({ ...bash("sed -i 's/4/four/' a/one.txt b/two.txt"), cwd });
      const url = `${server.url}/sessions/${id}/changes`;
      const plain = await fetch(`${url}?context=0&path=a`, { headers: { accept: 'text/x-diff' } });
      assert.equal(plain.headers.get('content-type'), 'text/x-diff; charset=utf-8');
      const diff = await plain.text();
      assert.match(diff, /^diff --git a\/a\/one\.txt b\/a\/one\.txt\n/);
      assert.match(diff, /\n@@ -5 \+5 @@.*\n-4\n\+four\n$/);
      const copy = join(projects, 'copy');
      await makeCheckout(copy, { 'a/one.txt': text, 'b/two.txt': text });
      const whole = await (await fetch(`${url}?format=diff`)).text();
      await writeFile(join(projects, 'whole.diff'), whole);
      await git(copy, 'apply', '../whole.diff');
      assert.match(await readFile(join(copy, 'b/two.txt'), 'utf8'), /four/);
      assert.deepEqual(summary(await changesOf(id, '?path=b/two.txt')), ['modified b/two.txt +1 -1']);
      for (const query of ['?context=-1', '?path=../x', '?format=xml', '?contxt=1']) {
        assert.equal((await changesOf(id, query)).status, 422, query);
      }
    });

    it('leaves out what .gitignore names, and repositories inside', async () => {
      const id = await start(
        bash(
          "printf 'node_modules/\\n*.log\\n!keep.log\\n' > .gitignore && mkdir -p node_modules/x sub lib && touch node_modules/x/y a.log keep.log sub/b.log sub/c.txt lib/code ':odd'",
        ),
      );
      await git(join(workspaceOf(id), 'lib'), 'init', '-q');
      assert.deepEqual(summary(await changesOf(id)), [
        'added .gitignore +3 -0',
        'added :odd +0 -0',
        'added keep.log +0 -0',
        'added lib/code +0 -0',
        'added sub/c.txt +0 -0',
      ]);
    });

    it('is empty for a session that has not begun, and names what it does not look at', async () => {
      const id = await start(bash('truncate -s 40M large.bin && echo small > small.txt'));
      const { body } = await changesOf(id);
      assert.deepEqual(body.omitted_files, ['large.bin']);
      assert.deepEqual(
        body.files.map((file: { path: string }) => file.path),
        ['small.txt'],
      );
      await using busy = await startTestServer({ config: { maxSessions: 1 } });
      const first = await busy.execute({ prompt: '[demo:hang]' });
      await busy.event(first, (event) => event.kind === 'sdk');
      const waiting = await busy.execute({ prompt: 'hello' });
      const none = await busy.request('GET', `/sessions/${waiting}/changes`);
      assert.deepEqual(none.body, {
        base: 'start',
        files: [],
        diff: '',
        truncated: false,
        omitted_files: [],
      });
    });

    it('cuts a diff that is too long at the end of a line, and says so', async () => {
      const id = await start(bash('seq 1 600000 > numbers.txt'));
      const { body } = await changesOf(id);
      assert.equal(body.truncated, true);
      assert.ok(body.diff.length <= 2 * 2 ** 20);
      assert.match(body.diff, /\+\d+\n$/);
      assert.equal(body.files[0].additions, 600_000);
    });

    it('can be asked for while a turn runs', async () => {
      const id = await server.execute(bash('echo one > made.txt; while [ ! -e go ]; do sleep 0.1; done'));
      const made = join(workspaceOf(id), 'made.txt');
      while (!existsSync(made)) await new Promise((resolve) => setImmediate(resolve));
      assert.ok(summary(await changesOf(id)).some((line) => line.startsWith('added made.txt')));
      assertProblem(await rewind(id, { to: 'start' }), 400, 'session_running');
      await writeFile(join(workspaceOf(id), 'go'), '');
      await server.ended(id);
    });

    it('says why there are none for a directory that is no git checkout', async () => {
      const cwd = join(projects, 'plain');
      await mkdir(cwd);
      const id = await start({ ...bash('echo x > x'), cwd });
      const answer = await changesOf(id);
      assertProblem(answer, 409, 'not_supported');
      assert.match(answer.body.detail, /not the top of a git checkout/);
      assertProblem(await rewind(id, { to: 'start' }), 409, 'not_supported');
      assert.equal(await readFile(join(cwd, 'x'), 'utf8'), 'x\n');
    });
  });

  it('shows what differs since a turn, or since the last one', async () => {
    const id = await start(bash('echo one > one.txt'));
    const second = await resume(id, bash('echo two > two.txt'));
    const third = await resume(id, bash('echo three > three.txt'));
    const changed = async (from?: string): Promise<[string, string[]]> => {
      const { base, files } = await server.client.sessions.changes(id, from === undefined ? {} : { from });
      return [base, files.map(({ path }) => path)];
    };
    const all = ['one.txt', 'three.txt', 'two.txt'];
    assert.deepEqual(await changed(), ['start', all]);
    assert.deepEqual(await changed('start'), ['start', all]);
    assert.deepEqual(await changed(second.toUpperCase()), [second, ['three.txt', 'two.txt']]);
    assert.deepEqual(await changed('last'), [third, ['three.txt']]);
    for (const from of [UNKNOWN_ID, 'x', '']) {
      assertProblem(await server.request('GET', `/sessions/${id}/changes?from=${from}`), 404, 'not_found');
    }
    const busy = await server.execute(bash('sleep 60'));
    await server.event(busy, ({ kind, data }) => kind === 'turn' && data.phase === 'started');
    const { turn_id } = await server.client.sessions.messages.send(busy, { prompt: 'later' });
    const path = `/sessions/${busy}/changes?from=${turn_id}`;
    assertProblem(await server.request('GET', path), 409, 'not_supported');
    await server.client.sessions.cancel(busy);
    await server.ended(busy);
  });

  describe('POST /sessions/{id}/rewind', () => {
    it('says with dry_run what it would do, and then does it: changed, deleted and new files, links and modes', async () => {
      const id = await start(
        bash(
          "printf 'one\\ntwo\\n' > kept.txt; echo gone > gone.txt; mkdir dir; echo d > dir/d; ln -s kept.txt link; printf '#!/bin/sh' > run; chmod +x run",
        ),
      );
      const turn = await resume(
        id,
        bash(
          'echo three >> kept.txt; rm -r gone.txt dir link run; echo new > new.txt; mkdir -p deep/er; echo x > deep/er/x; echo file > dir; mkdir link; echo y > link/y',
        ),
      );
      const workspace = workspaceOf(id);
      const before = (await readdir(workspace, { recursive: true })).toSorted();
      const dry = await rewind(id, { to: turn, dry_run: true });
      assert.equal(dry.status, 200, JSON.stringify(dry.body));
      assert.equal(dry.body.dry_run, true);
      const actions = new Map(
        dry.body.files.map((file: { path: string; action: string }) => [file.path, file.action]),
      );
      assert.deepEqual(
        ['gone.txt', 'kept.txt', 'new.txt'].map((path) => actions.get(path)),
        ['create', 'restore', 'delete'],
      );
      assert.equal(dry.body.truncated, false);
      const kept = dry.body.files.find(({ path }: { path: string }) => path === 'kept.txt');
      assert.deepEqual([kept.additions, kept.deletions], [0, 1]);
      assert.deepEqual(dry.body.files_changed.toSorted(), [
        'deep/er/x',
        'dir',
        'dir/d',
        'gone.txt',
        'kept.txt',
        'link',
        'link/y',
        'new.txt',
        'run',
      ]);
      assert.deepEqual((await readdir(workspace, { recursive: true })).toSorted(), before);
      const done = await rewind(id, { to: turn.toUpperCase() });
      assert.deepEqual({ ...done.body, dry_run: true }, dry.body);
      assert.ok(done.body.insertions > 0 && done.body.deletions > 0);
      assert.deepEqual((await readdir(workspace, { recursive: true })).toSorted(), [
        'dir',
        'dir/d',
        'gone.txt',
        'kept.txt',
        'link',
        'run',
      ]);
      assert.equal(await readFile(join(workspace, 'kept.txt'), 'utf8'), 'one\ntwo\n');
      assert.equal(await readlink(join(workspace, 'link')), 'kept.txt');
      assert.equal((await stat(join(workspace, 'run'))).mode & 0o111, 0o111);
      assert.deepEqual((await rewind(id, { to: turn })).body.files_changed, []);
    });

    it('goes back to the start, and to what clients wrote between the turns', async () => {
      const id = await start(bash('echo one > one.txt'));
      const written = await fetch(`${server.url}/sessions/${id}/files/mine.txt`, {
        method: 'PUT',
        body: 'mine',
      });
      assert.equal(written.status, 201);
      const second = await resume(id, bash('rm mine.txt; echo two > two.txt'));
      await rewind(id, { to: second });
      assert.deepEqual((await readdir(workspaceOf(id))).toSorted(), ['mine.txt', 'one.txt']);
      await rewind(id, { to: 'start' });
      assert.deepEqual(await readdir(workspaceOf(id)), []);
      const third = await resume(id, { prompt: 'hello' });
      await resume(id, bash('echo late > late.txt'));
      await rewind(id, { to: third });
      assert.deepEqual(await readdir(workspaceOf(id)), []);
      await rewind(id, { to: second });
      assert.deepEqual(
        (await readdir(workspaceOf(id))).toSorted(),
        ['mine.txt', 'one.txt'],
        'forward as well',
      );
    });

    it('works after a restart of the server', async () => {
      await using database = await createDatabase();
      await using directory = await temporaryDirectory();
      const options = { databaseUrl: database.url, dataDir: directory.path };
      let id: string;
      let turn: string;
      {
        await using first = await startTestServer(options);
        id = await start(bash('echo one > file'), first);
        turn = await resume(id, bash('echo two > file; echo new > new'), first);
      }
      await using second = await startTestServer(options);
      const answer = await rewind(id, { to: turn }, second);
      assert.deepEqual(answer.body.files_changed, ['file', 'new']);
      const { workspace } = sessionDirectories(directory.path, id);
      assert.equal(await readFile(join(workspace, 'file'), 'utf8'), 'one\n');
      const { body } = await second.request('GET', `/sessions/${id}/changes`);
      assert.equal(body.files.length, 1);
    });

    it('leaves ignored files alone, and says what they were in the way of', async () => {
      const id = await start(bash("echo '*.tmp' > .gitignore; echo a > name"));
      const turn = await resume(
        id,
        bash('rm name; mkdir name; echo x > name/x.tmp; echo y > y.tmp; echo b > b'),
      );
      const { body } = await rewind(id, { to: turn });
      assert.deepEqual(
        body.conflicts.map(({ path }: { path: string }) => path),
        ['name'],
      );
      assert.match(body.conflicts[0].reason, /not empty/);
      assert.deepEqual((await readdir(workspaceOf(id))).toSorted(), ['.gitignore', 'name', 'y.tmp']);
    });

    it('writes through no link that the agent planted, tracked or ignored', async () => {
      const outside = join(projects, 'outside');
      await mkdir(outside);
      await writeFile(join(outside, 'file'), 'OUTSIDE');
      const id = await start(
        bash(
          'echo hidden > .gitignore; mkdir -p dir; echo a > dir/file; mkdir hidden2; echo b > hidden2/file',
        ),
      );
      const turn = await resume(
        id,
        bash(
          `rm -r dir hidden2; ln -s ${outside} dir; printf 'hidden\\nhidden2\\n' > .gitignore; ln -s ${outside} hidden2`,
        ),
      );
      const { body, status } = await rewind(id, { to: turn });
      assert.equal(status, 200, JSON.stringify(body));
      assert.equal(await readFile(join(outside, 'file'), 'utf8'), 'OUTSIDE');
      assert.deepEqual(await readdir(outside), ['file']);
      const workspace = workspaceOf(id);
      assert.ok((await lstat(join(workspace, 'dir'))).isDirectory(), 'the tracked link was replaced');
      assert.equal(await readFile(join(workspace, 'dir/file'), 'utf8'), 'a\n');
      assert.deepEqual(
        body.conflicts.map(({ path }: { path: string }) => path),
        ['hidden2/file'],
      );
    });

    it('restores a git checkout, and touches neither its commits nor its index', async () => {
      const cwd = join(projects, 'repository');
      await makeCheckout(cwd, { 'a.txt': 'a\n', 'sub/b.txt': 'b\n' });
      await writeFiles(cwd, { 'a.txt': 'dirty\n' });
      const id = await start({ ...bash('echo agent > a.txt; rm -r sub; git init -q other'), cwd });
      const head = await git(cwd, 'rev-parse', 'HEAD');
      assert.equal((await rewind(id, { to: await firstTurn(id) })).status, 200);
      assert.equal(await readFile(join(cwd, 'a.txt'), 'utf8'), 'dirty\n');
      assert.equal(await git(cwd, 'status', '--short', 'a.txt', 'sub'), ' M a.txt\n');
      assert.equal(await git(cwd, 'rev-parse', 'HEAD'), head);
    });

    it('refuses turns that there are no snapshots of, and bodies that it does not understand', async () => {
      const id = await start(bash('echo one > one.txt'));
      assertProblem(await rewind(id, { to: UNKNOWN_ID }), 404, 'not_found');
      assertProblem(await rewind(id, { to: 'yesterday' }), 404, 'not_found');
      for (const body of [{}, { to: 7 }, { to: 'start', dryrun: true }, { to: 'start', dry_run: 'yes' }]) {
        assertProblem(await rewind(id, body), 422, 'invalid_request');
      }
      assertProblem(await rewind(UNKNOWN_ID, { to: 'start' }), 404, 'not_found');
      // Answered when the snapshot after the turn has been taken.
      await server.request('GET', `/sessions/${id}/changes`);
      await rm(join(workspaceOf(id), '..', 'history.git'), { recursive: true });
      const lost = await rewind(id, { to: 'start' });
      assertProblem(lost, 409, 'not_supported');
      assert.match(lost.body.hint, /another node/);
    });
  });
});

describe('the history of a workspace', () => {
  const stack = new AsyncDisposableStack();
  let directory: string;
  before(async () => {
    directory = await realpath(stack.use(await temporaryDirectory()).path);
  });
  after(async () => await stack.disposeAsync());

  const makePlace = async (cwd?: string): Promise<WorkspacePlace> => {
    const sessionRoot = await mkdtemp(join(directory, 'session-'));
    const workspace = cwd ?? join(sessionRoot, 'workspace');
    return { sessionId: sessionRoot, directory: workspace, isManaged: cwd === undefined, sessionRoot };
  };
  const openHistory = (path = PATH): WorkspaceHistory =>
    new WorkspaceHistory({ path, logger: createSilentLogger() });
  const all = { from: 'start' as const, path: null, context: 3 };
  const rewindTo = { to: 'start', dryRun: false, mayBegin: async () => {} } as const;
  const reason = async (work: Promise<unknown>): Promise<string> => {
    const error = await work.then(
      () => assert.fail('was not refused'),
      (thrown) => thrown,
    );
    assert.ok(error instanceof AppError, String(error));
    assert.equal(error.code, 'not_supported');
    return `${error.message} ${error.hint}`;
  };

  it('says that git is missing, and lets the turn run', async () => {
    const history = openHistory('/nonexistent');
    const place = await makePlace();
    await history.beforeTurn(place, 'one');
    await history.afterTurn(place);
    assert.match(await reason(history.changes(place, all)), /git is not installed/);
    assert.deepEqual(await readdir(place.sessionRoot), ['workspace']);
  });

  it('says that a workspace is too large, and keeps it again when it no longer is', async () => {
    const limits = { files: 5, totalBytes: 1_000, fileBytes: 500, storedBytes: 2 ** 30 };
    const history = new WorkspaceHistory({ path: PATH, logger: createSilentLogger(), limits });
    const place = await makePlace();
    await history.beforeTurn(place, 'one');
    await writeFiles(
      place.directory,
      Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`many/${n}`, ''])),
    );
    await history.afterTurn(place);
    await history.beforeTurn(place, 'two');
    assert.match(await reason(history.changes(place, all)), /more than 5 files.*\.gitignore/);
    await writeFiles(place.directory, { '.gitignore': 'many/\n', large: 'x'.repeat(501) });
    const { files, omitted } = await history.changes(place, all);
    assert.deepEqual(
      files.map(({ path }) => path),
      ['.gitignore'],
    );
    assert.deepEqual(omitted, ['large']);
    assert.match(await reason(history.rewind(place, { ...rewindTo, to: 'turn-two' })), /more than 5 files/);
    await writeFiles(place.directory, { a: 'x'.repeat(500), b: 'x'.repeat(500) });
    assert.match(await reason(history.changes(place, all)), /too large/);
  });

  it('takes over what a checkout has: contents are read only where they were touched', async () => {
    const cwd = join(directory, 'large');
    await makeCheckout(
      cwd,
      Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`f${n}`, `${n}\n`.repeat(500)])),
    );
    await run('sh', ['-c', 'touch -d 2020-01-01 f*'], { cwd });
    await git(cwd, 'update-index', '-q', '--really-refresh');
    await writeFiles(cwd, { f7: 'touched\n', new: 'new\n' });
    const place = await makePlace(cwd);
    const history = openHistory();
    await history.beforeTurn(place, 'one');
    const { storedBytes } = JSON.parse(
      await readFile(join(place.sessionRoot, 'history.git', 'snapshots.json'), 'utf8'),
    );
    assert.equal(storedBytes, 'touched\n'.length + 'new\n'.length);
    // Independent of the checkout from here on: it may be repacked, or lose its objects.
    await rm(join(cwd, '.git', 'objects'), { recursive: true });
    await writeFiles(cwd, { f8: 'agent\n', f7: 'agent\n' });
    const { diff, files } = await history.changes(place, all);
    assert.deepEqual(
      files.map(({ path }) => path),
      ['f7', 'f8'],
    );
    assert.match(diff.toString(), /^-touched$/m);
    await history.rewind(place, rewindTo);
    assert.equal(await readFile(join(cwd, 'f8'), 'utf8'), '8\n'.repeat(500));
  });

  it('keeps what is tracked though ignored, in a checkout as git does', async () => {
    const cwd = join(directory, 'forced');
    await makeCheckout(cwd, { '.gitignore': '' });
    await writeFiles(cwd, { '.gitignore': 'build/\n', 'build/kept': 'one\n', 'build/other': 'x\n' });
    await git(cwd, 'add', '-f', 'build/kept', '.gitignore');
    await writeFiles(cwd, { '.git/info/exclude': 'private\n', private: 'x' });
    const place = await makePlace(cwd);
    const history = openHistory();
    await history.beforeTurn(place, 'one');
    await writeFiles(cwd, { 'build/kept': 'two\n', 'build/other': 'y\n', private: 'y' });
    const { files } = await history.changes(place, all);
    assert.deepEqual(
      files.map(({ path }) => path),
      ['build/kept'],
    );
  });

  it('reads every file where a checkout is odd: a linked worktree, borrowed objects', async () => {
    const main = join(directory, 'main');
    await makeCheckout(main, { a: 'a\n' });
    await git(main, 'worktree', 'add', '-q', '../linked');
    await git(directory, 'clone', '-q', '--shared', 'main', 'borrowing');
    for (const name of ['linked', 'borrowing']) {
      const cwd = join(directory, name);
      const place = await makePlace(cwd);
      const history = openHistory();
      await history.beforeTurn(place, 'one');
      await writeFiles(cwd, { a: 'changed\n' });
      const { files } = await history.changes(place, all);
      assert.deepEqual(
        files.map(({ path }) => path),
        ['a'],
        name,
      );
      await history.rewind(place, rewindTo);
      assert.equal(await readFile(join(cwd, 'a'), 'utf8'), 'a\n');
    }
  });

  it('does not trust its list of files when the server was killed before it was complete', async () => {
    const place = await makePlace();
    const history = openHistory();
    await history.beforeTurn(place, 'one');
    await writeFiles(place.directory, { a: 'a\n', b: 'b\n' });
    await history.afterTurn(place);
    const list = join(place.sessionRoot, 'history.git', 'files.json');
    await writeFile(list, JSON.stringify({ commit: 'f'.repeat(40), rows: [] }));
    await rm(join(place.directory, 'b'));
    const { files } = await openHistory().changes(place, all);
    assert.deepEqual(
      files.map(({ path }) => path),
      ['a'],
    );
  });

  it('sees a change that leaves size and times as they were', async () => {
    const place = await makePlace();
    const history = openHistory();
    await history.beforeTurn(place, 'one');
    const file = join(place.directory, 'a');
    for (const content of ['one', 'two', 'six', 'ten']) {
      await writeFile(file, content);
      await run('touch', ['-d', '2020-01-01', file]);
      const { diff } = await history.changes(place, all);
      assert.match(diff.toString(), new RegExp(`^\\+${content}$`, 'm'));
    }
  });

  it('runs nothing that the workspace names: no filter, text conversion, hook or monitor', async () => {
    const cwd = join(directory, 'hostile');
    const marker = join(directory, 'marker');
    await makeCheckout(cwd, { 'a.txt': 'a\n', 'b.txt': 'b\n' });
    const evil = join(directory, 'evil.sh');
    await writeFile(evil, `#!/bin/sh\ntouch ${marker}\n`, { mode: 0o755 });
    await writeFiles(cwd, {
      '.gitattributes': '* filter=evil diff=evil merge=evil text eol=crlf working-tree-encoding=UTF-16\n',
      '.git/config': [
        `[core]\nrepositoryformatversion = 0\nfsmonitor = ${evil}\nhooksPath = ${directory}\npager = ${evil}`,
        `[filter "evil"]\nclean = ${evil}\nsmudge = ${evil}\nrequired = true`,
        `[diff]\nexternal = ${evil}\n[diff "evil"]\ncommand = ${evil}\ntextconv = ${evil}\n`,
      ].join('\n'),
    });
    const place = await makePlace(cwd);
    const history = openHistory();
    await history.beforeTurn(place, 'one');
    await writeFiles(cwd, { 'a.txt': 'a\nchanged\n', 'c.txt': 'new\n' });
    await rm(join(cwd, 'b.txt'));
    await history.afterTurn(place);
    const { files } = await history.changes(place, all);
    assert.deepEqual(
      files.map(({ status, path }) => `${status} ${path}`),
      ['modified a.txt', 'deleted b.txt', 'added c.txt'],
    );
    await history.rewind(place, rewindTo);
    assert.equal(await readFile(join(cwd, 'a.txt'), 'utf8'), 'a\n', 'not converted');
    assert.equal(await readFile(join(cwd, 'b.txt'), 'utf8'), 'b\n');
    assert.ok(!existsSync(marker), 'something of the workspace was run');
    await git(cwd, 'status').catch(() => {});
    assert.ok(existsSync(marker), 'the trap itself does not work');
  });

  it('keeps nothing from outside while a directory and a link change places, and restores nothing there', async () => {
    const place = await makePlace();
    const history = openHistory();
    const arena = join(place.directory, 'arena');
    const trap = join(directory, 'trap');
    await writeFiles(arena, { 'x/secret': 'inside' });
    await writeFiles(trap, { secret: 'OUTSIDE', 'only-outside': 'OUTSIDE' });
    await history.beforeTurn(place, 'one');
    await writeFiles(arena, { 'x/secret': 'other' });
    await symlink(trap, join(arena, 'link'));
    {
      await using _swapper = startSwapping(arena);
      for (let count = 0; count < 60; count++) {
        await history.afterTurn(place);
        await history.rewind(place, rewindTo).catch(() => {});
      }
    }
    const repository = join(place.sessionRoot, 'history.git');
    const objects = await git(repository, 'cat-file', '--batch-all-objects', '--batch');
    assert.doesNotMatch(objects, /OUTSIDE/);
    assert.match(objects, /inside/);
    assert.deepEqual(await readdir(trap), ['only-outside', 'secret']);
    assert.equal(await readFile(join(trap, 'secret'), 'utf8'), 'OUTSIDE');
  });
});

function assertProblem(answer: Answer, status: number, code: string): void {
  assert.equal(answer.body?.code, code, JSON.stringify(answer.body));
  assert.equal(answer.status, status);
  assert.equal(answer.headers.get('content-type')?.split(';')[0], 'application/problem+json');
}
