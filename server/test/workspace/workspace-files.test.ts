import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, realpathSync } from 'node:fs';
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { extract } from 'tar-stream';
import { sessionDirectories } from '../../src/session/directories.ts';
import { Directory } from '../../src/workspace/directory.ts';
import { deletePath, openPath, readWhole, writeFile as storeFile } from '../../src/workspace/files.ts';
import { listDirectory } from '../../src/workspace/listing.ts';
import { type Answer, startTestServer, type TestServer, temporaryDirectory } from '../support/harness.ts';
import { startSwapping } from '../support/swapping.ts';

const run = promisify(execFile);
const UNKNOWN_ID = '019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f';

describe('the files of a workspace', () => {
  const stack = new AsyncDisposableStack();
  let server: TestServer;
  let id: string;
  let workspace: string;
  let outside: string;

  before(async () => {
    outside = await realpath(stack.use(await temporaryDirectory()).path);
    await writeFile(join(outside, 'secret'), 'OUTSIDE');
    await mkdir(join(outside, 'project'));
    server = stack.use(await startTestServer({ config: { workspaceRoots: [outside] } }));
    id = await server.execute({ prompt: 'hello' });
    await server.ended(id);
    workspace = workspaceOf(id);
  });
  after(async () => await stack.disposeAsync());

  const workspaceOf = (session: string): string =>
    sessionDirectories(server.context.dataDirectory.path, session).workspace;
  const url = (path: string, session = id): string => `${server.url}/sessions/${session}/files/${path}`;
  const put = async (
    path: string,
    body: RequestInit['body'],
    headers: Record<string, string> = {},
  ): Promise<Answer> =>
    await answerOf(await fetch(url(path), { method: 'PUT', body, headers, duplex: 'half' } as RequestInit));
  const get = async (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    await fetch(url(path), { headers });
  const refuses = async (path: string, status: number, code: string): Promise<void> => {
    const answer = await answerOf(await get(path));
    assertProblem(answer, status, code);
  };
  /** Sends a path as it is: `fetch` would tidy it up. */
  const requestRaw = async (method: string, path: string): Promise<{ status: number; body: string }> => {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `${method} ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
    );
    const answer = await text(socket);
    return { status: Number(answer.split(' ')[1]), body: answer };
  };

  describe('GET /sessions/{id}/files', () => {
    it('lists what is there: files, directories and links, in the order of their names', async () => {
      await mkdir(join(workspace, 'listed/deeper'), { recursive: true });
      await writeFile(join(workspace, 'listed/b.txt'), 'four');
      await writeFile(join(workspace, 'listed/deeper/c.txt'), '');
      await symlink(join(outside, 'secret'), join(workspace, 'listed/a-link'));
      const { body } = await answerOf(await get('listed'));
      assert.equal(body.path, 'listed');
      assert.equal(body.truncated, false);
      const seen = body.entries.map((entry: { name: string; type: string; size: number | null }) => [
        entry.name,
        entry.type,
        entry.size,
      ]);
      assert.deepEqual(seen, [
        ['a-link', 'link', null],
        ['b.txt', 'file', 4],
        ['deeper', 'directory', null],
      ]);
      assert.equal(body.entries[0].target, join(outside, 'secret'));
      assert.ok(Date.parse(body.entries[1].modified_at) > Date.now() - 60_000);
      const root = await server.request('GET', `/sessions/${id}/files`);
      assert.ok(root.body.entries.some((entry: { name: string }) => entry.name === 'listed'));
    });

    it('lists all that is below with recursive=true', async () => {
      const { body } = await server.request('GET', `/sessions/${id}/files/listed/?recursive=true`);
      const names = body.entries.map((entry: { name: string }) => entry.name);
      assert.deepEqual(names, ['a-link', 'b.txt', 'deeper', 'deeper/c.txt']);
    });

    it('stops at the most that it lists, and says so', async () => {
      await using root = await Directory.openRoot(workspace);
      await using listed = await root.walk(['listed']);
      const listing = await listDirectory(listed, { recursive: true, limit: 2 });
      assert.equal(listing.entries.length, 2);
      assert.equal(listing.truncated, true);
    });

    it('lists names that are not UTF-8, and bears directories that are very deep', async () => {
      const bytes = Buffer.concat([Buffer.from(`${workspace}/odd/`), Buffer.from([0xff, 0xfe])]);
      await mkdir(join(workspace, 'odd'));
      await writeFile(bytes, 'x');
      const { body } = await answerOf(await get('odd'));
      assert.deepEqual(
        body.entries.map((entry: { name: string }) => entry.name),
        ['\ufffd\ufffd'],
      );
      await run('sh', ['-c', 'i=0; while [ $i -lt 150 ]; do mkdir d; cd d; i=$((i+1)); done'], {
        cwd: join(workspace, 'odd'),
      });
      const deep = await server.request('GET', `/sessions/${id}/files/odd?recursive=true`);
      assert.equal(deep.body.truncated, true);
      await rm(join(workspace, 'odd'), { recursive: true });
    });

    it('is empty before the session has begun, and takes files by then', async () => {
      await using busy = await startTestServer({ config: { maxSessions: 1 } });
      const first = await busy.execute({ prompt: '[demo:hang]' });
      await busy.event(first, (event) => event.kind === 'sdk');
      const waiting = await busy.execute({ prompt: 'read early.txt', permission_mode: 'acceptEdits' });
      const empty = await busy.request('GET', `/sessions/${waiting}/files`);
      assert.deepEqual(empty.body, { path: '', entries: [], truncated: false, omitted_files: [] });
      const archive = await fetch(`${busy.url}/sessions/${waiting}/archive`);
      assert.equal((await archive.arrayBuffer()).byteLength, 1024);
      assert.equal((await busy.request('GET', `/sessions/${waiting}/files/early.txt`)).status, 404);
      const early = await fetch(`${busy.url}/sessions/${waiting}/files/early.txt`, {
        method: 'PUT',
        body: 'put here before',
      });
      assert.equal(early.status, 201);
      await busy.request('POST', `/cancel/${first}`);
      const { messages } = await busy.ended(waiting);
      assert.match(JSON.stringify(messages), /put here before/);
    });

    it('answers 404 for a session that is not there', async () => {
      for (const path of ['files', 'files/x', 'archive', 'changes']) {
        assertProblem(await server.request('GET', `/sessions/${UNKNOWN_ID}/${path}`), 404, 'not_found');
      }
    });

    it('says that a workspace is not on this node', async () => {
      const gone = await server.execute({ prompt: 'hello' });
      await server.ended(gone);
      await rm(workspaceOf(gone), { recursive: true });
      const answer = await server.request('GET', `/sessions/${gone}/files`);
      assertProblem(answer, 409, 'workspace_elsewhere');
      assert.match(answer.body.hint, /node/);
    });

    it('refuses a workspace that the agent replaced by a link', async () => {
      const moved = await server.execute({ prompt: 'hello' });
      await server.ended(moved);
      await rm(workspaceOf(moved), { recursive: true });
      await symlink(outside, workspaceOf(moved));
      assertProblem(await server.request('GET', `/sessions/${moved}/files`), 409, 'workspace_elsewhere');
    });

    it('gives the files of a directory that the session was given', async () => {
      const given = await server.execute({ prompt: 'hello', cwd: join(outside, 'project') });
      await server.ended(given);
      await writeFile(join(outside, 'project', 'readme'), 'mine');
      assert.equal(await (await fetch(url('readme', given))).text(), 'mine');
    });
  });

  describe('GET /sessions/{id}/files/{path}', () => {
    it('gives the bytes of a file, as a download that no browser shows in place', async () => {
      const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, index) => index % 256));
      await writeFile(join(workspace, 'data.bin'), bytes);
      const answer = await get('data.bin');
      assert.equal(answer.status, 200);
      assert.deepEqual(Buffer.from(await answer.arrayBuffer()), bytes);
      assert.equal(answer.headers.get('content-length'), '200000');
      assert.equal(answer.headers.get('content-type'), 'application/octet-stream');
      assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
      assert.match(
        answer.headers.get('content-disposition') ?? '',
        /^attachment; filename\*=UTF-8''data\.bin$/,
      );
      assert.equal(answer.headers.get('accept-ranges'), 'bytes');
      assert.ok(Date.parse(answer.headers.get('last-modified') ?? '') > 0);
    });

    it('gives pages and drawings no type that a browser would run', async () => {
      for (const name of ['page.html', 'drawing.svg', 'page.xhtml', 'feed.xml', 'script.js', 'x.HTML']) {
        await writeFile(join(workspace, name), '<script>alert(1)</script>');
        const answer = await get(name);
        assert.equal(answer.headers.get('content-type'), 'application/octet-stream', name);
        assert.match(answer.headers.get('content-disposition') ?? '', /^attachment/);
        await answer.arrayBuffer();
      }
    });

    it('answers HEAD with the headers alone, and If-None-Match with 304', async () => {
      const head = await fetch(url('data.bin'), { method: 'HEAD' });
      assert.equal(head.status, 200);
      assert.equal(head.headers.get('content-length'), '200000');
      assert.equal(await head.text(), '');
      const etag = head.headers.get('etag') ?? '';
      const same = await get('data.bin', { 'if-none-match': etag });
      assert.equal(same.status, 304);
      await writeFile(join(workspace, 'data.bin'), 'other');
      const changed = await get('data.bin', { 'if-none-match': etag });
      assert.equal(changed.status, 200);
      assert.equal(await changed.text(), 'other');
    });

    const ranges: [header: string, status: number, content: string, contentRange: string | null][] = [
      ['bytes=0-3', 206, '0123', 'bytes 0-3/10'],
      ['bytes=4-', 206, '456789', 'bytes 4-9/10'],
      ['bytes=-3', 206, '789', 'bytes 7-9/10'],
      ['bytes=-30', 206, '0123456789', 'bytes 0-9/10'],
      ['bytes=9-9', 206, '9', 'bytes 9-9/10'],
      ['bytes=5-100', 206, '56789', 'bytes 5-9/10'],
      ['bytes=10-', 416, '', 'bytes */10'],
      ['bytes=99-100', 416, '', 'bytes */10'],
      ['bytes=-0', 416, '', 'bytes */10'],
      ['bytes=5-2', 200, '0123456789', null],
      ['bytes=0-1,3-4', 200, '0123456789', null],
      ['lines=0-1', 200, '0123456789', null],
      ['bytes=a-b', 200, '0123456789', null],
    ];
    for (const [header, status, content, contentRange] of ranges) {
      it(`answers Range: ${header} with ${status}`, async () => {
        await writeFile(join(workspace, 'ten.txt'), '0123456789');
        const answer = await get('ten.txt', { range: header });
        assert.equal(answer.status, status);
        assert.equal(answer.headers.get('content-range'), contentRange);
        const body = await answer.text();
        if (status === 416) assert.equal(JSON.parse(body).code, 'range_not_satisfiable');
        else assert.equal(body, content);
      });
    }

    it('takes a range only of the file that If-Range names', async () => {
      const etag = (await get('ten.txt')).headers.get('etag') ?? '';
      assert.equal((await get('ten.txt', { range: 'bytes=0-1', 'if-range': etag })).status, 206);
      assert.equal((await get('ten.txt', { range: 'bytes=0-1', 'if-range': '"old"' })).status, 200);
    });

    it('breaks the connection off when the file becomes shorter meanwhile: never a short answer that looks whole', async () => {
      const path = join(workspace, 'shrinking');
      await writeFile(path, Buffer.alloc(50 * 2 ** 20));
      const answer = await get('shrinking');
      const reader = answer.body?.getReader();
      await reader?.read();
      await truncate(path, 1);
      await assert.rejects(async () => {
        while (!(await reader?.read())?.done);
      });
      await rm(path);
    });
  });

  describe('paths', () => {
    it('are names below the workspace: everything else is refused', async () => {
      const prefix = `/sessions/${id}/files/`;
      const cases = [
        ['../secret', 422],
        ['listed/../../secret', 422],
        ['%2e%2e/secret', 422],
        ['..%2fsecret', 422],
        ['listed%2Fb.txt', 422],
        ['./listed', 422],
        ['listed//b.txt', 422],
        ['/etc/passwd', 422],
        ['a%00b', 422],
        ['%FF', 400],
        ['%', 400],
        [`${'x'.repeat(256)}`, 422],
        ['x/'.repeat(101), 422],
        ['listed\\..\\b.txt', 404],
        ['proc/self/root', 404],
      ] as const;
      for (const [path, status] of cases) {
        for (const method of ['GET', 'DELETE', 'PUT']) {
          if (method === 'PUT' && status === 404) continue;
          const answer = await requestRaw(method, prefix + path);
          assert.equal(answer.status, status, `${method} ${path}: ${answer.body}`);
          assert.match(answer.body, /application\/problem\+json/);
        }
      }
      assert.equal(await readFile(join(outside, 'secret'), 'utf8'), 'OUTSIDE');
    });

    it('may have spaces, quotes, percent signs, other scripts, and names of 255 bytes', async () => {
      const names = [
        'two words',
        'it\'s "quoted"',
        '100%',
        '%2e%2e',
        'ünï😀',
        '-rf',
        '~',
        'a?b#c',
        'x'.repeat(255),
      ];
      for (const name of names) {
        assert.equal((await put(`names/${encodeURIComponent(name)}`, name)).status, 201, name);
        assert.equal(await readFile(join(workspace, 'names', name), 'utf8'), name);
        assert.equal(await (await get(`names/${encodeURIComponent(name)}`)).text(), name);
      }
      const { body } = await answerOf(await get('names'));
      assert.deepEqual(
        body.entries.map((entry: { name: string }) => entry.name),
        names.toSorted(),
      );
    });

    it('follow no link: not at the end, and not on the way', async () => {
      await symlink(outside, join(workspace, 'way-out'));
      await symlink('listed', join(workspace, 'way-in'));
      for (const path of ['way-out', 'way-in', 'listed/a-link', 'way-out/secret', 'way-in/b.txt']) {
        await refuses(path, 409, 'not_regular_file');
      }
      assertProblem(await put('way-out/new', 'x'), 409, 'not_regular_file');
      assertProblem(await put('way-out', 'x'), 409, 'not_regular_file');
      assertProblem(await put('listed/a-link', 'x'), 409, 'not_regular_file');
      const deleted = await server.request('DELETE', `/sessions/${id}/files/way-out/secret`);
      assertProblem(deleted, 409, 'not_regular_file');
      assert.deepEqual((await readdir(outside)).toSorted(), ['project', 'secret']);
      assert.equal(await readFile(join(outside, 'secret'), 'utf8'), 'OUTSIDE');
    });

    it('open no pipe, socket or device, and do not hang on them', async () => {
      await run('mkfifo', [join(workspace, 'pipe')]);
      await refuses('pipe', 409, 'not_regular_file');
      assertProblem(await put('pipe', 'x'), 409, 'not_regular_file');
      const listening = createServer().listen(join(workspace, 'sock'));
      await once(listening, 'listening');
      await refuses('sock', 409, 'not_regular_file');
      const { body } = await server.request('GET', `/sessions/${id}/files`);
      const types = new Map(
        body.entries.map((entry: { name: string; type: string }) => [entry.name, entry.type]),
      );
      assert.equal(types.get('pipe'), 'other');
      assert.equal(types.get('sock'), 'other');
      listening.close();
      await server.request('DELETE', `/sessions/${id}/files/pipe`);
      assert.ok(!(await readdir(workspace)).includes('pipe'));
    });

    it('never leave the workspace while a directory and a link change places: 0 escapes in 20,000 tries', async () => {
      const arena = join(workspace, 'arena');
      await mkdir(join(arena, 'x'), { recursive: true });
      await writeFile(join(arena, 'x', 'secret'), 'inside');
      const trap = join(outside, 'trap');
      await mkdir(trap);
      await writeFile(join(trap, 'secret'), 'OUTSIDE');
      await symlink(trap, join(arena, 'link'));
      await using _swapper = startSwapping(arena);
      await using root = await Directory.openRoot(arena);
      let escapes = 0;
      let reached = 0;
      const read = async (): Promise<void> => {
        const found = await openPath(root, ['x', 'secret']);
        if (found instanceof Directory) return await found[Symbol.asyncDispose]();
        const content = (await readWhole(found.handle, 100)).toString();
        await found.handle.close();
        if (content === 'inside') reached += 1;
        else escapes += 1;
      };
      const write = async (name: string): Promise<void> => {
        const content = Readable.from([Buffer.from('inside')]);
        const conditions = { ifMatch: null, onlyIfMissing: false };
        await storeFile(root, ['x', name], { content, conditions, allowance: null });
      };
      const tries = [
        ...[read, read, read, read, read],
        async () => await write('new'),
        async () => await write('secret'),
        async () => await deletePath(root, ['x', 'secret'], { recursive: false, remover: null }),
      ];
      await Promise.all(
        Array.from({ length: 8 }, async () => {
          for (let count = 0; count < 2_500; count++) await tries[count % 8]?.().catch(() => {});
        }),
      );
      await write('secret').catch(() => {});
      // The control: what is commonly done does escape, so the swapping is real.
      let naive = 0;
      for (let count = 0; count < 200_000 && naive === 0; count++)
        naive += readNaively(arena) === 'OUTSIDE' ? 1 : 0;
      assert.equal(escapes, 0);
      assert.ok(reached > 100, `only ${reached} tries reached the file`);
      assert.ok(naive > 0, 'the control never escaped');
      assert.deepEqual(await readdir(trap), ['secret']);
      assert.equal(await readFile(join(trap, 'secret'), 'utf8'), 'OUTSIDE');
    });
  });

  describe('PUT /sessions/{id}/files/{path}', () => {
    it('takes files from the moment that a session is there, whether its agent has started or not', async () => {
      for (let n = 0; n < 6; n++) {
        const session = await server.execute({ prompt: 'read early.txt' });
        const url = `${server.url}/sessions/${session}/files/early.txt`;
        const response = await fetch(url, { method: 'PUT', body: 'early' });
        assert.equal(response.status, 201, await response.text());
        await server.request('POST', `/cancel/${session}`);
      }
    });

    it('writes a file with the directories on its way; 201 when it is new, 200 when it was there', async () => {
      const created = await put('made/by/put.txt', 'one', { 'content-type': 'text/html' });
      assert.equal(created.status, 201);
      assert.equal(created.body.path, 'made/by/put.txt');
      assert.equal(created.body.size, 3);
      assert.equal((await put('made/by/put.txt', 'two!')).status, 200);
      assert.equal(await readFile(join(workspace, 'made/by/put.txt'), 'utf8'), 'two!');
      assert.equal((await put('made/empty', '')).status, 201);
      assert.equal((await stat(join(workspace, 'made/empty'))).size, 0);
      assert.deepEqual((await readdir(join(workspace, 'made'))).toSorted(), ['by', 'empty']);
    });

    it('keeps the permissions of a file that it replaces', async () => {
      await put('script.sh', 'echo one');
      await chmod(join(workspace, 'script.sh'), 0o755);
      await put('script.sh', 'echo two');
      assert.equal((await stat(join(workspace, 'script.sh'))).mode & 0o777, 0o755);
    });

    it('streams what has no announced length, JSON too, and refuses more than 64 MB, announced or not', async () => {
      const json = '{"__proto__": [[[';
      const streamed = await put('streamed.json', new Blob([json]).stream(), {
        'content-type': 'application/json',
      });
      assert.equal(streamed.status, 201);
      assert.equal(await readFile(join(workspace, 'streamed.json'), 'utf8'), json);
      const chunk = new Uint8Array(2 ** 20);
      const endless = (): ReadableStream =>
        ReadableStream.from(
          (function* () {
            for (let count = 0; count < 66; count++) yield chunk;
          })(),
        );
      assertProblem(await put('large', endless()), 413, 'body_too_large');
      assertProblem(await put('large', new Uint8Array(65 * 2 ** 20)), 413, 'body_too_large');
      assert.equal((await put('largest', new Uint8Array(64 * 2 ** 20))).status, 201);
      await rm(join(workspace, 'largest'));
      await assertNoLeftovers();
    });

    it('leaves nothing of a file whose upload breaks off', async () => {
      const { hostname, port } = new URL(server.url);
      const socket = connect(Number(port), hostname);
      socket.write(
        `PUT /sessions/${id}/files/half HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\nhalf`,
      );
      await untilAsync(async () => (await readdir(workspace)).some((name) => name.startsWith('.greenroom-')));
      socket.destroy();
      await untilAsync(async () =>
        (await readdir(workspace)).every((name) => !name.startsWith('.greenroom-')),
      );
      assert.ok(!(await readdir(workspace)).includes('half'));
    });

    it('writes only under the conditions of If-Match and If-None-Match: *', async () => {
      const { body } = await put('guarded', 'one');
      assertProblem(await put('guarded', 'x', { 'if-none-match': '*' }), 412, 'precondition_failed');
      assertProblem(await put('guarded', 'x', { 'if-match': '"other"' }), 412, 'precondition_failed');
      assertProblem(await put('missing', 'x', { 'if-match': '*' }), 412, 'precondition_failed');
      assert.equal((await put('guarded', 'two', { 'if-match': body.etag })).status, 200);
      assertProblem(await put('guarded', 'x', { 'if-match': body.etag }), 412, 'precondition_failed');
      const written = await Promise.all(
        ['a', 'b', 'c'].map(async (content) => await put('first', content, { 'if-none-match': '*' })),
      );
      assert.deepEqual(written.map(({ status }) => status).toSorted(), [201, 412, 412]);
      const last = await put('guarded', 'three');
      assert.equal((await get('guarded')).headers.get('etag'), last.body.etag);
      await assertNoLeftovers();
    });

    it('refuses to write where a directory is, below a file, and onto the workspace itself', async () => {
      assertProblem(await put('listed', 'x'), 409, 'file_conflict');
      assertProblem(await put('guarded/below', 'x'), 409, 'not_regular_file');
      const itself = await fetch(`${server.url}/sessions/${id}/files`, { method: 'PUT', body: 'x' });
      assert.equal(itself.status, 405);
    });

    it('says 507 storage when the disk is full, and leaves no half of a file', async (context) => {
      const disk = join(outside, 'disk');
      await mkdir(disk);
      try {
        await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
      } catch {
        return context.skip('only root may mount the small disk that this needs');
      }
      try {
        const small = await server.execute({ prompt: 'hello', cwd: disk });
        await server.ended(small);
        await writeFile(join(disk, 'old'), 'old');
        const full = await answerOf(
          await fetch(url('old', small), { method: 'PUT', body: new Uint8Array(2 * 2 ** 20) }),
        );
        assertProblem(full, 507, 'storage');
        assert.deepEqual(await readdir(disk), ['old']);
        assert.equal(await readFile(join(disk, 'old'), 'utf8'), 'old');
        const fits = await fetch(url('fits', small), { method: 'PUT', body: 'small' });
        assert.equal(fits.status, 201);
      } finally {
        await run('umount', ['-l', disk]);
      }
    });

    it('gives what it makes to the owner of the workspace', async (context) => {
      if (process.getuid?.() !== 0) return context.skip('only root can make files of others');
      await run('chown', ['12345:12345', workspace]);
      await put('owned/by/agent', 'x');
      for (const path of ['owned', 'owned/by', 'owned/by/agent']) {
        const { uid, gid } = await stat(join(workspace, path));
        assert.deepEqual([uid, gid], [12345, 12345], path);
      }
      await run('chown', ['0:0', workspace]);
    });
  });

  describe('DELETE /sessions/{id}/files/{path}', () => {
    const remove = async (path: string): Promise<Answer> =>
      await server.request('DELETE', `/sessions/${id}/files/${path}`);

    it('deletes files, links (not what they point to) and empty directories; full ones only if told so', async () => {
      await mkdir(join(workspace, 'tree/sub'), { recursive: true });
      await writeFile(join(workspace, 'tree/sub/file'), '');
      await symlink(outside, join(workspace, 'tree/link'));
      const refused = await remove('tree');
      assertProblem(refused, 409, 'file_conflict');
      assert.match(refused.body.hint, /recursive=true/);
      assert.equal((await remove('tree/sub/file')).status, 200);
      assert.equal((await remove('tree/sub')).status, 200);
      assert.equal((await remove('tree/link')).status, 200);
      await writeFile(join(workspace, 'tree/file'), '');
      await symlink(outside, join(workspace, 'tree/link'));
      assert.deepEqual((await remove('tree?recursive=true')).body, { path: 'tree' });
      assertProblem(await remove('tree'), 404, 'not_found');
      assert.equal(await readFile(join(outside, 'secret'), 'utf8'), 'OUTSIDE');
    });

    it('refuses an unknown parameter', async () => {
      assertProblem(await remove('listed?recursiv=true'), 422, 'invalid_request');
    });
  });

  describe('GET /sessions/{id}/archive', () => {
    it('is a tar of all that is there, links as links', async () => {
      const packed = join(workspace, 'packed');
      await mkdir(join(packed, 'sub/empty'), { recursive: true });
      await writeFile(join(packed, 'sub/data'), Buffer.alloc(70_000, 'x'));
      await writeFile(join(packed, `${'long'.repeat(60)}.txt`), 'long name');
      await writeFile(join(packed, 'ünï😀'), 'other name');
      await writeFile(join(packed, 'run'), '#!/bin/sh', { mode: 0o755 });
      await symlink(join(outside, 'secret'), join(packed, 'link'));
      await run('mkfifo', [join(packed, 'pipe')]);
      const answer = await fetch(`${server.url}/sessions/${id}/archive?path=packed`);
      assert.equal(answer.headers.get('content-type'), 'application/x-tar');
      const target = join(outside, 'unpacked');
      await mkdir(target);
      const tar = spawn('tar', ['-x', '-C', target], { stdio: ['pipe', 'ignore', 'inherit'] });
      tar.stdin.end(Buffer.from(await answer.arrayBuffer()));
      const [code] = await once(tar, 'exit');
      assert.equal(code, 0);
      const names = ['link', `${'long'.repeat(60)}.txt`, 'run', 'sub', 'ünï😀'];
      assert.deepEqual((await readdir(target)).toSorted(), names.toSorted());
      assert.deepEqual(await readFile(join(target, 'sub/data')), Buffer.alloc(70_000, 'x'));
      assert.deepEqual(await readdir(join(target, 'sub')), ['data', 'empty']);
      assert.equal((await stat(join(target, 'run'))).mode & 0o111, 0o111);
      assert.ok((await lstat(join(target, 'link'))).isSymbolicLink());
      assert.equal(await readlink(join(target, 'link')), join(outside, 'secret'));
      await rm(target, { recursive: true });
    });

    it('stays readable while files in it grow and shrink', async () => {
      const moving = join(workspace, 'moving');
      await mkdir(moving);
      for (let count = 0; count < 20; count++)
        await writeFile(join(moving, `f${count}`), Buffer.alloc(300_000, 1));
      const answer = await fetch(`${server.url}/sessions/${id}/archive?path=moving`);
      const entries = extract();
      const sizes: number[] = [];
      entries.on('entry', (header, stream, next) => {
        sizes.push(header.size ?? -1);
        stream.resume();
        stream.on('end', () => next());
      });
      const done = once(entries, 'finish');
      for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
        if (sizes.length === 1) {
          await writeFile(join(moving, 'f7'), 'short now');
          await writeFile(join(moving, 'f8'), Buffer.alloc(400_000, 2));
        }
        if (!entries.write(Buffer.from(chunk))) await once(entries, 'drain');
      }
      entries.end();
      await done;
      assert.equal(sizes.length, 20);
    });

    it('closes what it opened when the client goes away', async () => {
      const before = (await readdir('/proc/self/fd')).length;
      for (let count = 0; count < 10; count++) {
        const abort = new AbortController();
        const answer = await fetch(`${server.url}/sessions/${id}/archive`, { signal: abort.signal });
        await answer.body?.getReader().read();
        abort.abort();
        const download = new AbortController();
        await fetch(url('streamed.json'), { signal: download.signal }).catch(() => {});
        download.abort();
      }
      await untilAsync(async () => (await readdir('/proc/self/fd')).length <= before + 4);
    });
  });

  const assertNoLeftovers = async (): Promise<void> => {
    const left = (await readdir(workspace)).filter((name) => name.startsWith('.greenroom-'));
    assert.deepEqual(left, []);
  };
});

async function answerOf(response: Response): Promise<Answer> {
  const body = await response.text();
  return { status: response.status, headers: response.headers, body: body === '' ? null : JSON.parse(body) };
}

function assertProblem(answer: Answer, status: number, code: string): void {
  assert.equal(answer.body?.code, code, JSON.stringify(answer.body));
  assert.equal(answer.status, status);
  assert.equal(answer.headers.get('content-type')?.split(';')[0], 'application/problem+json');
}

/** What the walk by descriptors is instead of. */
function readNaively(root: string): string | null {
  try {
    const path = realpathSync(join(root, 'x/secret'));
    return path.startsWith(`${root}/`) ? readFileSync(path, 'utf8') : null;
  } catch {
    return null;
  }
}

async function untilAsync(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, 'never became true');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
