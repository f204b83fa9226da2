import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { z } from 'zod';
import {
  answerText,
  findProcesses,
  type StatusAnswer,
  startTestServer,
  type TestServer,
  temporaryDirectory,
} from '../support/harness.ts';
import { type ModelRequest, startRecordingUpstream } from '../support/recording-upstream.ts';

const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } };
const city = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

describe('an option of POST /execute/', () => {
  const stack = new AsyncDisposableStack();
  let upstream: Awaited<ReturnType<typeof startRecordingUpstream>>;
  let server: TestServer;
  let roots: string;

  before(async () => {
    roots = await realpath(stack.use(await temporaryDirectory()).path);
    upstream = stack.use(await startRecordingUpstream());
    const config = { anthropicApiKey: 'a-key', anthropicBaseUrl: upstream.url, workspaceRoots: [roots] };
    server = stack.use(await startTestServer({ config }));
  });
  after(async () => await stack.disposeAsync());

  /** Runs one turn. @returns its status, and what the agent asked the model first */
  const run = async (body: object): Promise<{ id: string; status: StatusAnswer; asked: ModelRequest }> => {
    upstream.requests.length = 0;
    const id = await server.execute({ prompt: 'hello', ...body });
    const status = await server.ended(id);
    const [asked] = upstream.requests;
    assert.ok(asked !== undefined, status.error ?? 'the model was not asked');
    return { id, status, asked };
  };
  const toolNames = ({ body }: ModelRequest): string[] =>
    (body.tools ?? []).map((tool: { name: string }) => tool.name);
  const lastTurn = async (id: string) => (await server.request('GET', `/sessions/${id}`)).body.turns.at(-1);

  describe('for the model', () => {
    it('append_system_prompt comes after the system prompt, or after the default one', async () => {
      const texts = ({ body }: ModelRequest) => body.system.map((block: { text: string }) => block.text);
      const standard = texts((await run({})).asked).slice(1);
      const appended = texts((await run({ append_system_prompt: 'Be brief.' })).asked).slice(1);
      assert.deepEqual(appended, [...standard, 'Be brief.']);
      const both = await run({ system_prompt: 'You are a poet.', append_system_prompt: 'Be brief.' });
      assert.deepEqual(texts(both.asked).slice(1), [...standard, 'You are a poet.\n\nBe brief.']);
    });

    it('system_prompt changes with a resume', async () => {
      const { id } = await run({ system_prompt: 'You are a poet.' });
      upstream.requests.length = 0;
      await server.execute({ prompt: 'hi', resume_session_id: id, system_prompt: 'You are a clerk.' });
      await server.ended(id);
      assert.match(upstream.requests[0]?.text ?? '', /You are a clerk/);
      assert.doesNotMatch(upstream.requests[0]?.text ?? '', /You are a poet/);
    });

    it('effort, max_thinking_tokens and betas are in the request to the model', async () => {
      const low = await run({ model: 'claude-opus-4-8', effort: 'low', max_thinking_tokens: 0 });
      assert.equal(low.asked.body.output_config.effort, 'low');
      assert.equal(low.asked.body.thinking.type, 'disabled');
      const betas = ['context-1m-2025-08-07'];
      const more = await run({ model: 'claude-sonnet-4-5', max_thinking_tokens: 5_000, betas });
      assert.equal(more.asked.body.thinking.budget_tokens, 5_000);
      assert.match(String(more.asked.headers['anthropic-beta']), /context-1m-2025-08-07/);
    });

    it('fallback_model answers when the model is overloaded', async () => {
      const prompt = '[demo:error 529 x3] hello';
      const { status } = await run({
        prompt,
        model: 'claude-sonnet-4-5',
        fallback_model: 'claude-haiku-4-5',
      });
      assert.match(answerText(status), /Hello!/);
      const models = upstream.requests.map((request) => request.body.model);
      assert.deepEqual(new Set(models), new Set(['claude-sonnet-4-5', 'claude-haiku-4-5']));
    });

    it('content brings images to the model, and its text is the prompt', async () => {
      const content = [{ type: 'text', text: 'What is this?' }, image, { type: 'text', text: 'And why?' }];
      const { id, asked } = await run({ prompt: undefined, content });
      assert.ok(asked.text.includes(PNG));
      const turn = await lastTurn(id);
      assert.equal(turn.prompt, 'What is this?\nAnd why?');
      const text = await run({ prompt: undefined, content: [{ type: 'text', text: ' count to 3 ' }] });
      assert.equal(answerText(text.status), '1\n2\n3');
    });
  });

  describe('for the tools', () => {
    it('tools are those that the agent is offered, and none with []', async () => {
      const builtIn = ({ asked }: { asked: ModelRequest }) =>
        toolNames(asked).filter((name) => name !== 'DeferredToolPlaceholder');
      assert.deepEqual(builtIn(await run({ tools: ['Read', 'Bash'] })).toSorted(), ['Bash', 'Read']);
      assert.deepEqual(builtIn(await run({ tools: [] })), []);
    });

    it('allowed_tools and disallowed_tools hold, and are on no command line', async () => {
      const allowed_tools = ['Bash(echo allowed-3f9c:*)'];
      const disallowed_tools = ['Bash(echo denied-3f9c:*)'];
      const { id, status } = await run({ prompt: 'run: echo allowed-3f9c', allowed_tools, disallowed_tools });
      assert.match(answerText(status), /I ran/);
      const lines = await Promise.all(
        (await findProcesses(id)).map(async (pid) => await readFile(`/proc/${pid}/cmdline`, 'utf8')),
      );
      assert.ok(lines.length > 0, 'the agent is there still');
      for (const line of lines) assert.doesNotMatch(line, /3f9c/);
      const both = { allowed_tools: ['Bash(echo:*)'], disallowed_tools };
      assert.match(answerText((await run({ prompt: 'run: echo denied-3f9c', ...both })).status), /could not/);
    });

    it('background_tasks lets commands go on in the background', async () => {
      const bash = ({ asked }: { asked: ModelRequest }) =>
        JSON.stringify(asked.body.tools.find((tool: { name: string }) => tool.name === 'Bash'));
      assert.doesNotMatch(bash(await run({})), /run_in_background/);
      assert.match(bash(await run({ background_tasks: true })), /run_in_background/);
    });

    it('additional_directories can be read as the workspace can', async () => {
      const directory = join(roots, 'more');
      await mkdir(directory, { recursive: true });
      await writeFile(join(directory, 'note.txt'), 'a note');
      const prompt = `read ${join(directory, 'note.txt')}`;
      assert.doesNotMatch(answerText((await run({ prompt })).status), /a note/);
      const { status } = await run({ prompt, additional_directories: [directory] });
      assert.match(answerText(status), /a note/);
    });

    it('agents can be handed tasks, with their own prompt and tools', async () => {
      const agents = {
        'general-purpose': {
          description: 'Does it all.',
          prompt: 'You are a helper of ours.',
          tools: ['Bash'],
        },
      };
      const { status } = await run({ prompt: 'delegate: count to 3', agents });
      assert.match(answerText(status), /1\s+2\s+3/);
      const helper = upstream.requests.find(({ body }) =>
        JSON.stringify(body.system).includes('a helper of ours'),
      );
      assert.ok(helper !== undefined);
      assert.ok(!toolNames(helper).includes('Write'));
    });

    it('slash_commands makes commands of prompts that begin with "/", which are text otherwise', async () => {
      assert.match(answerText((await run({ prompt: '/context' })).status), /You said: \/context/);
      upstream.requests.length = 0;
      const id = await server.execute({ prompt: '/context', slash_commands: true });
      assert.equal((await server.ended(id)).status, 'completed');
      assert.deepEqual(upstream.requests, []);
    });
  });

  describe('mcp_servers', () => {
    it('over HTTP have their headers, and their tools run when they are allowed', async () => {
      await using weather = await startWeatherServer();
      const mcp_servers = { weather: { type: 'http', url: weather.url, headers: { 'x-token': 'a-secret' } } };
      const prompt = 'use mcp__weather__forecast {"city": "Rome"}';
      const denied = await run({ prompt, mcp_servers });
      assert.match(answerText(denied.status), /could not use/);
      assert.deepEqual(await findProcesses('a-secret'), [], 'headers are on no command line');
      for (const allowed of ['mcp__weather', 'mcp__weather__forecast']) {
        const { status } = await run({ prompt, mcp_servers, allowed_tools: [allowed] });
        assert.match(answerText(status), /sunny in Rome/);
      }
      assert.deepEqual(new Set(weather.tokens), new Set(['a-secret']));
    });

    it('over stdio are programs with variables of their own', async () => {
      const echo = {
        type: 'stdio',
        command: process.execPath,
        args: [fileURLToPath(new URL('../fixtures/echo-mcp-server.ts', import.meta.url))],
        env: { GREETING: 'hello' },
      };
      const prompt = 'use mcp__echo__echo {"text": "World"}';
      const { status } = await run({ prompt, mcp_servers: { echo }, allowed_tools: ['mcp__echo'] });
      assert.match(answerText(status), /World, hello/);
    });

    it('that cannot be reached do not fail the turn; the init message says so', async () => {
      const mcp_servers = { gone: { type: 'http', url: 'http://127.0.0.1:1/' } };
      const { status } = await run({ mcp_servers });
      assert.match(answerText(status), /Hello/);
      const [gone] = status.messages[0]?.content.data.mcp_servers ?? [];
      assert.deepEqual([gone.name, gone.status], ['gone', 'failed']);
    });

    it('over stdio are refused where the server does not allow them', async () => {
      server.config.mcpStdio = false;
      const mcp_servers = { echo: { type: 'stdio', command: 'echo' } };
      const { status, body } = await server.request('POST', '/execute/', { prompt: 'hi', mcp_servers });
      server.config.mcpStdio = true;
      assert.equal(status, 422);
      assert.equal(body.errors[0].field, 'mcp_servers.echo.type');
      assert.match(body.hint, /GREENROOM_MCP_STDIO/);
    });

    it('on hosts that the operator does not list any more are not connected to', async () => {
      const { id } = await run({ prompt: 'hello' });
      // As one that a key started while they were listed.
      const mcp_servers = { far: { type: 'http', url: 'https://gone.example.test/mcp' } };
      const started = { api_key_id: 'a-key', options: JSON.stringify({ mcp_servers }) };
      const { db } = server.context.database;
      await db.updateTable('sessions').set(started).where('id', '=', id).execute();
      const { egressHosts } = server.config;
      server.config.egressHosts = ['other.example.test'];
      await server.client.sessions.messages.send(id, { prompt: 'hello again' });
      const { error } = await server.ended(id);
      server.config.egressHosts = egressHosts;
      assert.match(
        error ?? '',
        /mcp_servers\.far: .*may not connect to gone\.example\.test any more: change/,
      );
    });
  });

  describe('output_format', () => {
    const format = (schema: object) => ({ output_format: { type: 'json_schema', schema } });
    const resultOf = ({ messages }: StatusAnswer) =>
      messages.find((message) => message.type === 'ResultMessage')?.content;

    it('gives an object that fits the schema, whichever draft it names', async () => {
      const $schema = 'https://json-schema.org/draft/2020-12/schema';
      const { id, status } = await run({ prompt: 'Rome', ...format({ ...city, $schema }) });
      assert.equal(status.status, 'completed', status.error ?? '');
      assert.deepEqual(resultOf(status).structured_output, { city: 'Rome' });
      assert.deepEqual((await lastTurn(id)).result.structured_output, { city: 'Rome' });
    });

    it('ends the turn as structured_output_failed when the model gives none', async () => {
      const { id, status } = await run({ prompt: '[demo:say Rome]', ...format(city) });
      assert.equal(resultOf(status).subtype, 'success', 'to the agent program it is a success');
      assert.equal(status.status, 'error');
      assert.match(status.error ?? '', /without the structured output/);
      assert.equal((await lastTurn(id)).error.code, 'structured_output_failed');
    });

    it('ends the turn as structured_output_failed when it never fits', async () => {
      const { id, status } = await run({ prompt: 'use StructuredOutput {"city": 5}', ...format(city) });
      assert.match(status.error ?? '', /after 5 attempts.*must be string/);
      assert.equal((await lastTurn(id)).error.code, 'structured_output_failed');
      await server.execute({ prompt: 'Rome', resume_session_id: id });
      assert.equal((await server.ended(id)).status, 'completed', 'the session goes on');
    });
  });

  describe('that is wrong', () => {
    const tool = { name: 'weather', description: 'Says it.', input_schema: { type: 'object' } };
    const agent = { description: 'Helps.', prompt: 'You help.' };
    const schema = (value: unknown) => ({ type: 'json_schema', schema: value });
    const jpeg = { type: 'image', source: { ...image.source, media_type: 'image/jpeg' } };
    const large = {
      type: 'image',
      source: { ...image.source, data: PNG.slice(0, 40) + 'AAAA'.repeat(2_000_000) },
    };

    /** Field, value, the field that the answer names, and what it says. */
    const cases: [string, unknown, string, RegExp][] = [
      ['tools', ['bash'], 'tools.0', /did you mean "Bash"\?; allowed: Agent, Bash, .*AskUserQuestion/],
      ['tools', ['SendMessage'], 'tools.0', /unknown tool.*allowed: Agent/],
      ['append_system_prompt', 7, 'append_system_prompt', /expected string/],
      ['approvals', 'always', 'approvals', /"deny"\|"ask"/],
      ['approval_timeout_s', 0, 'approval_timeout_s', />=1/],
      ['approval_timeout_s', 31 * 86_400, 'approval_timeout_s', /<=2592000/],
      ['approval_timeout_action', 'allow', 'approval_timeout_action', /"deny"\|"end_turn"/],
      ['park_after_s', -1, 'park_after_s', />=0/],
      ['timeout_s', 0.5, 'timeout_s', /int/],
      ['effort', 'huge', 'effort', /"low"\|"medium"\|"high"\|"xhigh"\|"max"/],
      ['max_thinking_tokens', 100, 'max_thinking_tokens', /0 \(no thinking\), or at least 1024/],
      ['betas', ['context-2m'], 'betas.0', /context-1m-2025-08-07/],
      ['max_budget_usd', 0, 'max_budget_usd', />0/],
      ['on_interruption', 'retry', 'on_interruption', /"end"\|"continue"\|"resume"/],
      ['include_partial_messages', 'yes', 'include_partial_messages', /boolean/],
      ['slash_commands', 1, 'slash_commands', /boolean/],
      ['background_tasks', 1, 'background_tasks', /boolean/],
      ['additional_directories', ['/nowhere'], 'additional_directories.0', /outside/],
      ['fork_session', true, 'fork_session', /needs resume_session_id/],
      ['mcp_servers', { a: { url: 'http://x' } }, 'mcp_servers.a.type', /"http", "sse" or "stdio"/],
      ['mcp_servers', { a: { type: 'ftp' } }, 'mcp_servers.a.type', /"http", "sse" or "stdio"/],
      ['mcp_servers', { a: { type: 'http', url: 'file:///x' } }, 'mcp_servers.a.url', /http:\/\//],
      [
        'mcp_servers',
        { a: { type: 'http', url: 'http://x', headers: { 'a b': '' } } },
        'mcp_servers.a.headers.a b',
        /header/,
      ],
      [
        'mcp_servers',
        { a: { type: 'stdio', command: 'x', env: { 'A-B': '' } } },
        'mcp_servers.a.env.A-B',
        /variable name/,
      ],
      ['mcp_servers', { 'a b': { type: 'http', url: 'http://x' } }, 'mcp_servers.a b', /server name/],
      ['mcp_servers', { a__b: { type: 'http', url: 'http://x' } }, 'mcp_servers.a__b', /server name/],
      ['mcp_servers', { client: { type: 'http', url: 'http://x' } }, 'mcp_servers.client', /client_tools/],
      ['agents', { helper: { prompt: 'x' } }, 'agents.helper.description', /expected string/],
      [
        'agents',
        { helper: { ...agent, tools: ['Bsh'] } },
        'agents.helper.tools.0',
        /did you mean "Bash".*mcp__<server>/,
      ],
      [
        'agents',
        { helper: { ...agent, permission_mode: 'plan' } },
        'agents.helper.permission_mode',
        /^unknown field$/,
      ],
      ['agents', { 'a b': agent }, 'agents.a b', /agent name/],
      ['output_format', { ...schema(city), type: 'text' }, 'output_format.type', /"json_schema"/],
      ['output_format', schema({ type: 'array' }), 'output_format.schema.type', /must be "object"/],
      [
        'output_format',
        schema({ type: 'object', required: 'a' }),
        'output_format.schema',
        /^\/required must be a list of different names$/,
      ],
      ['client_tools', [{ ...tool, name: 'a b' }], 'client_tools.0.name', /letters, digits/],
      [
        'client_tools',
        [{ ...tool, input_schema: {} }],
        'client_tools.0.input_schema',
        /^\/type must be "object"/,
      ],
      ['client_tools', [tool, tool], 'client_tools.1.name', /another tool of this name/],
      ['content', [image], 'prompt', /together with content/],
      [
        'metadata',
        Object.fromEntries(Array.from({ length: 51 }, (_, n) => [n, ''])),
        'metadata',
        /50 entries/,
      ],
    ];
    for (const [name, value, field, message] of cases) {
      it(`is refused: ${name} ${JSON.stringify(value).slice(0, 70)}`, async () => {
        const { status, body } = await server.request('POST', '/execute/', { prompt: 'hi', [name]: value });
        assert.equal(status, 422, JSON.stringify(body));
        assert.deepEqual(
          body.errors.map((error: { field: string }) => error.field),
          [field],
        );
        assert.match(body.errors[0].message, message);
      });
    }

    it('is refused in content: no block, a blank one, an unknown one, an image that is none or too large', async () => {
      const contents: [unknown, string, RegExp][] = [
        [[], 'content', /must not be empty/],
        [[{ type: 'text', text: ' ' }], 'content', /blank/],
        [[{ type: 'video' }], 'content.0.type', /./],
        [[jpeg], 'content.0.source.data', /is no image\/jpeg/],
        [[large], 'content.0.source.data', /must not be larger than 5242880 bytes/],
        [Array(21).fill(image), 'content', /more than 20 images/],
        [[{ ...image, source: { ...image.source, data: 'no base64!' } }], 'content.0.source.data', /base64/],
        [[{ type: 'text', text: 'x'.repeat(2 ** 20 + 1) }], 'prompt', /more than 1048576 bytes of text/],
      ];
      for (const [content, field, message] of contents) {
        const { status, body } = await server.request('POST', '/execute/', { content });
        assert.equal(status, 422, field);
        assert.equal(body.errors[0].field, field);
        assert.match(body.errors[0].message, message);
      }
    });

    it('is told with the name that was probably meant, deep inside as well', async () => {
      const cases: [object, string, RegExp][] = [
        [{ mcp_server: {} }, 'mcp_server', /did you mean "mcp_servers"\?/],
        [{ output_formt: {} }, 'output_formt', /did you mean "output_format"\?/],
        [{ aproval: 'ask' }, 'aproval', /did you mean "approvals"\?/],
        [{ agents: { a: { ...agent, tool: [] } } }, 'agents.a.tool', /did you mean "tools"\?/],
        [{ agents: { a: { ...agent, cwd: '' } } }, 'agents.a.cwd', /^unknown field$/],
        [
          { mcp_servers: { a: { type: 'http', url: 'http://x', header: {} } } },
          'mcp_servers.a.header',
          /did you mean "headers"\?/,
        ],
        [{ client_tools: [{ ...tool, inputSchema: {} }] }, 'client_tools.0.inputSchema', /"input_schema"/],
      ];
      for (const [fields, field, message] of cases) {
        const { body } = await server.request('POST', '/execute/', { prompt: 'hi', ...fields });
        assert.deepEqual([body.errors[0].field], [field]);
        assert.match(body.errors[0].message, message);
      }
    });
  });
});

/** An MCP server over HTTP, with one tool. */
async function startWeatherServer() {
  const tokens: unknown[] = [];
  const http = createServer(async (request, response) => {
    tokens.push(request.headers['x-token']);
    const mcp = new McpServer({ name: 'weather', version: '1' });
    mcp.registerTool('forecast', { inputSchema: { city: z.string() } }, (input) => ({
      content: [{ type: 'text', text: `sunny in ${input.city}` }],
    }));
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
    await mcp.connect(transport as Transport);
    await transport.handleRequest(request, response);
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    tokens,
    [Symbol.asyncDispose]: async () => {
      http.closeAllConnections();
      http.close();
    },
  };
}
