import assert from 'node:assert/strict';
import { mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { executeRequest } from '../../src/face/classic/classic.ts';
import {
  type Answer,
  answerText,
  startTestServer,
  type TestServer,
  temporaryDirectory,
} from '../support/harness.ts';

const UNKNOWN_ID = '019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f';
const JSON_TYPE = { 'content-type': 'application/json' };

describe('bad input', () => {
  const stack = new AsyncDisposableStack();
  const accepted = new Set<string>();
  let server: TestServer;
  let directory: string;
  let roots: string;

  before(async () => {
    directory = await realpath(stack.use(await temporaryDirectory()).path);
    roots = join(directory, 'projects');
    await mkdir(join(roots, 'inside'), { recursive: true });
    await mkdir(join(directory, 'projects-of-others'));
    await writeFile(join(roots, 'file'), '');
    await symlink(directory, join(roots, 'way-out'));
    await symlink(join(roots, 'inside'), join(roots, 'way-in'));
    server = stack.use(await startTestServer({ config: { workspaceRoots: [roots] } }));
  });
  after(async () => await stack.disposeAsync());

  const execute = async (body: object): Promise<string> => {
    const id = await server.execute(body);
    accepted.add(id);
    return id;
  };

  /** Sends bytes as they are. */
  const send = async (
    method: string,
    path: string,
    { body = null, headers = {} }: { body?: RequestInit['body']; headers?: Record<string, string> } = {},
  ): Promise<Answer> => {
    const response = await fetch(server.url + path, { method, body, headers, duplex: 'half' } as RequestInit);
    return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) };
  };
  const sendText = async (body: string, contentType = 'application/json'): Promise<Answer> =>
    await send('POST', '/execute/', { body, headers: { 'content-type': contentType } });

  const acceptText = async (body: string): Promise<string> => {
    const answer = await sendText(body);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    accepted.add(answer.body.session_id);
    return answer.body.session_id;
  };

  const refuses = async (body: unknown, field: string, message: RegExp): Promise<void> => {
    const answer = await server.request('POST', '/execute/', body);
    assertProblem(answer, 422, 'invalid_request');
    const [error, ...more] = answer.body.errors;
    assert.deepEqual(more, []);
    assert.equal(error.field, field);
    assert.match(error.message, message);
    assert.ok(answer.body.detail.includes(error.message), 'the detail says it in words');
  };

  describe('in the fields of POST /execute/', () => {
    it('refuses a prompt that is missing, blank or holds a NUL character', async () => {
      await refuses({}, 'prompt', /expected string/);
      await refuses({ prompt: null }, 'prompt', /expected string/);
      await refuses({ prompt: ' \n\t ' }, 'prompt', /must not be blank/);
      await refuses({ prompt: 'a\u0000b' }, 'prompt', /NUL/);
    });

    it('names every field of a wrong type', async () => {
      const answer = await server.request('POST', '/execute/', {
        prompt: 7,
        allowed_tools: 'Bash',
        disallowed_tools: [1],
        max_turns: '3',
        env: { LANG: 1 },
        metadata: [],
        resume_session_id: {},
      });
      assertProblem(answer, 422, 'invalid_request');
      assert.deepEqual(
        answer.body.errors.map((error: { field: string }) => error.field),
        [
          'prompt',
          'allowed_tools',
          'disallowed_tools.0',
          'max_turns',
          'env.LANG',
          'metadata',
          'resume_session_id',
        ],
      );
    });

    it('refuses an unknown field and names the one that was probably meant', async () => {
      await refuses({ prompt: 'hi', alowed_tools: [] }, 'alowed_tools', /did you mean "allowed_tools"\?/);
      await refuses({ prompt: 'hi', sessionId: '' }, 'sessionId', /^unknown field$/);
    });

    it('takes 1 to 100 turns', async () => {
      for (const max_turns of [0, 101, 1.5, -1]) await refuses({ prompt: 'hi', max_turns }, 'max_turns', /./);
    });

    it('lists the permission modes that there are', async () => {
      await refuses(
        { prompt: 'hi', permission_mode: 'yolo' },
        'permission_mode',
        /default.*acceptEdits.*plan.*bypassPermissions/,
      );
    });

    it('refuses variables that would change what the agent runs or where its traffic goes', async () => {
      const names = ['LD_PRELOAD', 'NODE_OPTIONS', 'PATH', 'HOME', 'ANTHROPIC_API_KEY', 'ANTHROPIC_BASE_URL'];
      names.push(
        'CLAUDE_CODE_X',
        'https_proxy',
        'ALL_PROXY',
        'BASH_ENV',
        'GREENROOM_SESSION_ID',
        'A-B',
        '1A',
      );
      const env = Object.fromEntries(names.map((name) => [name, 'x']));
      const answer = await server.request('POST', '/execute/', { prompt: 'hi', env });
      assertProblem(answer, 422, 'invalid_request');
      const fields = answer.body.errors.map((error: { field: string }) => error.field);
      assert.deepEqual(fields.toSorted(), names.map((name) => `env.${name}`).toSorted());
    });

    it('passes other variables on to what the agent runs', async () => {
      const id = await execute({
        prompt: 'run: echo $GREETING',
        allowed_tools: ['Bash'],
        env: { GREETING: "it's `me`" },
      });
      assert.match(answerText(await server.ended(id)), /it's `me`/);
    });

    it('refuses what no program can be started with', async () => {
      const large = 'x'.repeat(130_000);
      await refuses({ prompt: 'hi', env: { LARGE: large } }, 'env.LARGE', /bytes/);
      await refuses({ prompt: 'hi', allowed_tools: [`Bash(${large})`] }, 'allowed_tools', /bytes/);
    });

    it('refuses rules that name no tool, which would deny nothing', async () => {
      const refused = {
        Bashh: /did you mean "Bash"/,
        'Bash(git:*': /a name with a pattern/,
        Bsh: /unknown tool/,
      };
      for (const [rule, message] of Object.entries(refused)) {
        await refuses({ prompt: 'hi', disallowed_tools: ['Bash', rule] }, 'disallowed_tools.1', message);
      }
      const known = ['Task', 'mcp__github', 'Bash(git:*)', 'WebFetch(domain:a.example)'];
      const id = await execute({ prompt: 'hi', disallowed_tools: known });
      assert.equal((await server.ended(id)).status, 'completed');
    });

    it('counts null as not given', async () => {
      const names = Object.keys(executeRequest.shape).filter((name) => name !== 'prompt');
      const id = await execute({ prompt: 'hi', ...Object.fromEntries(names.map((name) => [name, null])) });
      assert.equal((await server.ended(id)).status, 'completed');
      const { options, cwd, title, metadata } = (await server.request('GET', `/sessions/${id}`)).body;
      assert.deepEqual(
        { options, cwd, title, metadata },
        { options: {}, cwd: null, title: null, metadata: {} },
      );
    });

    it('ends the turn as error with the words of the API when it does not know the model', async () => {
      const id = await execute({ prompt: 'hi', model: 'no-such-model' });
      const status = await server.ended(id);
      assert.equal(status.status, 'error');
      assert.match(status.error ?? '', /no-such-model/);
      const { turns } = (await server.request('GET', `/sessions/${id}`)).body;
      assert.equal(turns[0].error.code, 'invalid_request');
    });
  });

  describe('in cwd', () => {
    it('refuses a directory that is missing, no directory, or outside of the roots', async () => {
      const elsewhere = /does not exist, or lies outside/;
      const refusesCwd = async (cwd: string, message: RegExp) =>
        await refuses({ prompt: 'hi', cwd }, 'cwd', message);
      await refusesCwd(join(roots, 'missing'), elsewhere);
      await refusesCwd(directory, elsewhere);
      await refusesCwd(join(directory, 'projects-of-others'), elsewhere);
      await refusesCwd(`${roots}/../projects-of-others`, elsewhere);
      await refusesCwd(join(roots, 'way-out'), elsewhere);
      await refusesCwd('x'.repeat(5_000), elsewhere);
      await refusesCwd(`${roots}\u0000`, /NUL/);
      await refusesCwd('', /./);
      await refusesCwd(join(roots, 'file'), /is not a directory/);
    });

    it('runs the agent in a directory inside of them, named by its real path', async () => {
      for (const cwd of [join(roots, 'inside'), join(roots, 'way-in')]) {
        const id = await execute({ prompt: 'hi', cwd });
        const { messages } = await server.ended(id);
        assert.equal(messages[0]?.content.data.cwd, join(roots, 'inside'));
      }
    });

    it('refuses to move a session to another directory', async () => {
      const id = await execute({ prompt: 'hi' });
      await server.ended(id);
      const moved = { prompt: 'hi', resume_session_id: id, cwd: join(roots, 'inside') };
      await refuses(moved, 'cwd', /keeps its working directory/);
      assert.equal((await server.request('GET', `/status/${id}`)).body.status, 'completed');
    });
  });

  describe('in session ids and states', () => {
    it('answers 404 for ids that are no UUID or unknown, and 400 when resuming them', async () => {
      for (const id of ['nonsense', '1', `${UNKNOWN_ID}0`, '%27%3B--', 'x'.repeat(300), UNKNOWN_ID]) {
        assertProblem(await server.request('GET', `/status/${id}`), 404, 'not_found');
        assertProblem(await server.request('GET', `/sessions/${id}`), 404, 'not_found');
        assertProblem(await server.request('POST', `/cancel/${id}`), 404, 'not_found');
        assertProblem(await server.request('DELETE', `/sessions/${id}`), 404, 'not_found');
        const resumed = await server.request('POST', '/execute/', { prompt: 'hi', resume_session_id: id });
        assertProblem(resumed, 400, 'session_not_resumable');
      }
    });

    it('takes an id in capital letters as the same session', async () => {
      const id = await execute({ prompt: 'I am Ada, remember this.' });
      await server.ended(id);
      const body = { prompt: 'What is my name?', resume_session_id: id.toUpperCase() };
      assert.equal((await server.request('POST', '/execute/', body)).body.session_id, id);
      assert.match(answerText(await server.ended(id)), /Ada/);
    });

    it('refuses to resume or delete a session that runs, and to cancel one that has ended', async () => {
      const id = await execute({ prompt: '[demo:hang]' });
      await server.event(id, (event) => event.kind === 'sdk');
      const resumed = await server.request('POST', '/execute/', { prompt: 'hi', resume_session_id: id });
      assertProblem(resumed, 400, 'session_running');
      assertProblem(await server.request('DELETE', `/sessions/${id}`), 400, 'session_running');
      assert.equal((await server.request('GET', `/status/${id}`)).body.status, 'running');
      assert.equal((await server.request('POST', `/cancel/${id}`)).status, 200);
      assertProblem(await server.request('POST', `/cancel/${id}`), 400, 'session_not_running');
      const { turns } = (await server.request('GET', `/sessions/${id}`)).body;
      assert.equal(turns.length, 1, 'the refused resume left no turn');
    });
  });

  describe('in the query', () => {
    it('refuses an unknown parameter and names the one that was probably meant', async () => {
      const answer = await server.request('GET', '/sessions/?limt=3');
      assertProblem(answer, 422, 'invalid_request');
      assert.match(answer.body.detail, /limt: unknown query parameter; did you mean "limit"\?/);
    });

    it('refuses values that do not fit, a blank number among them', async () => {
      const bad = [
        'limit=0',
        'limit=1001',
        'limit=',
        'limit=ten',
        'limit=1&limit=2',
        'cursor=x',
        'status=done',
      ];
      for (const query of bad) {
        assertProblem(await server.request('GET', `/sessions/?${query}`), 422, 'invalid_request');
      }
      for (const query of ['max_age_hours=', 'max_age_hours=-1', 'max_age_hours=all', 'max_age_hour=1']) {
        assertProblem(await server.request('DELETE', `/sessions/cleanup?${query}`), 422, 'invalid_request');
      }
    });
  });

  describe('in the body as such', () => {
    it('refuses what is not JSON with 400 and where it breaks off', async () => {
      const answer = await sendText('{"prompt": "hi",}');
      assertProblem(answer, 400, 'malformed_body');
      assert.match(answer.body.detail, /not valid JSON: .*position 16/);
    });

    it('refuses JSON that is no object, and a body that is empty, with 422', async () => {
      for (const body of ['null', '[]', '"hi"', '7', '', '  ']) {
        const answer = await sendText(body);
        assertProblem(answer, 422, 'invalid_request');
        assert.match(answer.body.detail, /must be a JSON object/);
      }
      assertProblem(await send('POST', '/execute/'), 422, 'invalid_request');
    });

    it('refuses other content types with 415', async () => {
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'nonsense']) {
        assertProblem(await sendText('{"prompt":"hi"}', type), 415, 'unsupported_media_type');
      }
    });

    it('minds no content type where there is no body', async () => {
      for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/plain']) {
        const headers = { 'content-type': type };
        assertProblem(await send('POST', `/cancel/${UNKNOWN_ID}`, { headers }), 404, 'not_found');
        assertProblem(await send('DELETE', `/sessions/${UNKNOWN_ID}`, { headers }), 404, 'not_found');
      }
    });

    it('refuses a prompt of more than 1 MB', async () => {
      await refuses({ prompt: 'x'.repeat(2 ** 20 + 1) }, 'prompt', /more than 1048576 bytes of text/);
    });

    it('refuses more than 20 MB, all that images may take, with 413, announced or not', async () => {
      const body = JSON.stringify({ prompt: 'x'.repeat(20 * 2 ** 20) });
      const answer = await sendText(body);
      assertProblem(answer, 413, 'body_too_large');
      assert.match(answer.body.detail, /larger than 20 MB/);
      const chunks = new Blob([body]).stream();
      assertProblem(
        await send('POST', '/execute/', { body: chunks, headers: JSON_TYPE }),
        413,
        'body_too_large',
      );
    });

    it('refuses nesting deeper than 64 levels with 400', async () => {
      const nested = (levels: number) =>
        `{"prompt":"hi","metadata":${'['.repeat(levels)}${']'.repeat(levels)}}`;
      assertProblem(await sendText(nested(64)), 400, 'malformed_body');
      assertProblem(await sendText(nested(100_000)), 400, 'malformed_body');
      assertProblem(await sendText(nested(63)), 422, 'invalid_request');
    });

    it('refuses more than 10,000 keys or 200,000 values with 400, before it looks at them', async () => {
      const keys = Array.from({ length: 10_001 }, (_, index) => `"k${index}":0`);
      const refused = await sendText(`{"prompt":"hi","metadata":{${keys}}}`);
      assertProblem(refused, 400, 'malformed_body');
      assert.match(refused.body.detail, /more than 10000 keys/);
      assertProblem(
        await sendText(`{"prompt":"hi","tools":[${'0,'.repeat(200_001)}0]}`),
        400,
        'malformed_body',
      );
    });

    it('refuses what is not UTF-8: broken bytes with 400, another charset with 415', async () => {
      for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0xbd], [0xc0, 0x80]]) {
        const body = Buffer.concat([Buffer.from('{"prompt":"'), Buffer.from(bytes), Buffer.from('"}')]);
        const answer = await send('POST', '/execute/', { body, headers: JSON_TYPE });
        assertProblem(answer, 400, 'malformed_body');
        assert.match(answer.body.detail, /not valid UTF-8/);
      }
      for (const charset of ['iso-8859-1', '"UTF-16"', 'x'.repeat(1_000)]) {
        const type = `application/json; charset=${charset}`;
        assertProblem(await sendText('{"prompt":"hi"}', type), 415, 'unsupported_media_type');
      }
      for (const charset of ['utf-8', 'UTF8', '"utf-8"']) {
        assertProblem(
          await sendText('\ufeff{}', `application/json; charset=${charset}`),
          422,
          'invalid_request',
        );
      }
    });

    it('reads a body that is compressed, up to what its route takes, and refuses other encodings', async () => {
      const encodings = {
        gzip: gzipSync,
        deflate: deflateSync,
        br: brotliCompressSync,
        zstd: zstdCompressSync,
      };
      const sendEncoded = async (encoding: string, body: Buffer) =>
        await send('POST', '/execute/', { body, headers: { ...JSON_TYPE, 'content-encoding': encoding } });
      const bomb = Buffer.from(JSON.stringify({ prompt: 'x'.repeat(20 * 2 ** 20) }));
      for (const [encoding, encode] of Object.entries(encodings)) {
        const { status, body } = await sendEncoded(encoding, encode(Buffer.from('{"prompt":"hello"}')));
        assert.equal(status, 200, encoding);
        accepted.add(body.session_id);
        assertProblem(await sendEncoded(encoding, encode(bomb)), 413, 'body_too_large');
        const broken = await sendEncoded(encoding, Buffer.from('{"prompt":"hello"}'));
        assertProblem(broken, 400, 'malformed_body');
        assert.match(broken.body.detail, new RegExp(`cannot be decoded from ${encoding}`));
        const cutOff = encode(Buffer.from('{"prompt":"hello"}')).subarray(0, -4);
        assertProblem(await sendEncoded(encoding, cutOff), 400, 'malformed_body');
      }
      for (const encoding of ['compress', 'gzip, gzip', 'toString']) {
        const unknown = await sendEncoded(encoding, Buffer.from('{"prompt":"hello"}'));
        assertProblem(unknown, 415, 'unsupported_media_type');
        assert.match(unknown.body.hint, /gzip, deflate, br, zstd/);
      }
      const file = { body: gzipSync('a'), headers: { 'content-encoding': 'gzip' } };
      const stored = await send('PUT', `/sessions/${[...accepted][0]}/files/a`, file);
      assertProblem(stored, 415, 'unsupported_media_type');
    });

    it('reads halves of surrogate pairs as U+FFFD, wherever they are, and answers with none', async () => {
      const half = 'cut \\ud83d';
      const schema = `{"type":"object","title":"${half}","properties":{"${half}":{"const":"${half}"}}}`;
      const id = await acceptText(`{
        "prompt": "${half}", "title": "${half}", "metadata": {"${half}": "${half}"}, "env": {"NOTE": "${half}"},
        "append_system_prompt": "${half}", "output_format": {"type": "json_schema", "schema": ${schema}},
        "agents": {"a": {"description": "${half}", "prompt": "${half}"}},
        "client_tools": [{"name": "a", "description": "${half}", "input_schema": ${schema}}],
        "allowed_tools": ["Bash(${half})"]
      }`);
      const content = `{"content":[{"type":"text","text":"${half}"}]}`;
      const path = `/sessions/${id}/messages`;
      assert.equal((await send('POST', path, { body: content, headers: JSON_TYPE })).status, 202);
      const patch = { body: `{"title":"${half}","metadata":{"a":"${half}"}}`, headers: JSON_TYPE };
      assert.equal((await send('PATCH', `/sessions/${id}`, patch)).status, 200);
      const refused = await sendText(`{"prompt":"hi","${half}":1,"env":{"${half}":1},"tools":["${half}"]}`);
      assertProblem(refused, 422, 'invalid_request');
      await server.request('POST', `/cancel/${id}`);
      const answers = [refused];
      for (const page of [
        `/sessions/${id}`,
        `/status/${id}`,
        `/sessions/${id}/events`,
        '/sessions',
        '/audit',
      ]) {
        answers.push(await server.request('GET', page));
      }
      for (const { body } of answers) {
        const text = JSON.stringify(body);
        assert.doesNotMatch(text, /\\u[dD][89a-fA-F]/);
      }
      assert.equal(answers[1]?.body.title, 'cut \ufffd');
      assert.deepEqual(answers[1]?.body.metadata, { a: 'cut \ufffd' });
      assert.ok('cut \ufffd' in answers[1].body.options.output_format.schema.properties);
    });

    it('refuses __proto__ keys with 400, also when they are spelled otherwise', async () => {
      for (const key of ['__proto__', '\\u005f_proto__']) {
        const answer = await sendText(`{"prompt":"hi","env":{"${key}":{"GREETING":"x"}}}`);
        assertProblem(answer, 400, 'malformed_body');
        assert.match(answer.body.detail, /__proto__/);
      }
    });
  });

  describe('in the request as such', () => {
    it('answers 404 for what is not there', async () => {
      for (const path of ['/nope', '/execute/x', `/status/${UNKNOWN_ID}/x`, '/status/', '/sessions//']) {
        assertProblem(await send('GET', path), 404, 'not_found');
      }
    });

    it('answers 405 with the allowed methods for what is there with another method', async () => {
      const wrong = [
        ['GET', '/execute/', 'POST'],
        ['PUT', `/status/${UNKNOWN_ID}`, 'GET'],
        ['GET', `/cancel/${UNKNOWN_ID}/`, 'POST'],
        ['POST', '/sessions', 'GET'],
        ['PUT', '/sessions/cleanup', 'GET, PATCH, DELETE'],
      ] as const;
      for (const [method, path, allowed] of wrong) {
        const answer = await send(method, path);
        assertProblem(answer, 405, 'method_not_allowed');
        assert.equal(answer.headers.get('allow'), allowed, `${method} ${path}`);
      }
    });

    it('answers 400 for a URL that cannot be decoded', async () => {
      assertProblem(await send('GET', '/status/%zz'), 400, 'malformed_request');
    });

    it('answers what is no HTTP as a problem too, and headers that are too large', async () => {
      const { hostname, port } = new URL(server.url);
      const raw = async (bytes: string): Promise<Answer> => {
        const socket = connect(Number(port), hostname);
        socket.write(bytes);
        const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
        const [statusLine = '', ...lines] = head.split('\r\n');
        const headers = new Headers(lines.map((line) => line.split(': ') as [string, string]));
        return { status: Number(statusLine.split(' ')[1]), headers, body: JSON.parse(body) };
      };
      assertProblem(await raw('NONSENSE\r\n\r\n'), 400, 'malformed_request');
      assertProblem(
        await raw(`GET / HTTP/1.1\r\nhost: localhost\r\nx-large: ${'x'.repeat(20_000)}\r\n\r\n`),
        431,
        'headers_too_large',
      );
    });
  });

  it('leaves nothing behind: there are only the sessions that were accepted', async () => {
    const listed = (await server.request('GET', '/sessions/')).body;
    const ids = listed.map((session: { session_id: string }) => session.session_id);
    assert.deepEqual(ids.toSorted(), [...accepted].toSorted());
    assert.equal((await server.ended(await execute({ prompt: 'still there?' }))).status, 'completed');
  });
});

function assertProblem({ status, headers, body }: Answer, expected: number, code: string): void {
  assert.equal(status, expected, JSON.stringify(body));
  assert.equal(headers.get('content-type'), 'application/problem+json');
  assert.equal(body.type, `urn:greenroom:error:${code}`);
  assert.equal(body.code, code);
  assert.equal(body.status, expected);
  assert.ok(body.title.length > 0);
  assert.equal(typeof body.detail, 'string');
  assert.ok(body.detail.length > 0);
  assert.equal(body.request_id, headers.get('x-request-id'));
}
