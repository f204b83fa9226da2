import assert from 'node:assert/strict';
import { get } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { after, before, describe, it } from 'node:test';
import { type Kysely, type KyselyPlugin, sql } from 'kysely';
import { listKeyPage } from '../../src/access/api-key/service.ts';
import { toClassicMessage } from '../../src/face/classic/messages.ts';
import { readStatus, streamStatus } from '../../src/face/classic/status.ts';
import type { Database } from '../../src/ground/db/database.ts';
import { DEFAULT_TENANT, LOCAL_USER } from '../../src/ground/identity.ts';
import { MAX_PAGE_BYTES } from '../../src/ground/util/page.ts';
import { removeMessage, sendMessage } from '../../src/session/messages.ts';
import { cancelSession } from '../../src/session/service.ts';
import { ApiDocument } from '../support/api-document.ts';
import { readTable } from '../support/event-source.ts';
import { type Answer, startTestServer, type TestServer } from '../support/harness.ts';

const MB = 1_000_000;
const SEPARATOR = '\n\n--- Session Resume ---\n';

describe('however much a session holds', () => {
  let server: TestServer;
  let document: ApiDocument;
  let db: Kysely<Database>;
  before(async () => {
    server = await startTestServer();
    document = await ApiDocument.read(server);
    db = server.context.database.db;
  });
  after(async () => await server[Symbol.asyncDispose]());

  const newSession = async (prompt = 'hello'): Promise<string> => {
    const id = await server.execute({ prompt });
    await server.ended(id);
    return id;
  };

  /** A URL's answer, which must be as the API's description says. */
  const read = async (route: string, url: string): Promise<Answer & { text: string }> => {
    const response = await fetch(server.url + url);
    const text = await response.text();
    const answer = { status: response.status, headers: response.headers, body: JSON.parse(text) };
    document.assertDescribes(route, answer);
    return { ...answer, text };
  };

  /** More turns, as if they had been asked for and answered. */
  const addTurns = async (id: string, count: number, bytes: { prompt: number; answer?: number }) => {
    await sql`
      insert into turns (id, session_id, tenant_id, number, place, state, prompt, result, queued_at, started_at, ended_at)
      select gen_random_uuid(), ${id}, tenant_id, number + n, number + n, 'completed', n || repeat('p', ${bytes.prompt}::int),
        replace(result::text, '"text":"', '"text":"' || repeat('a', ${bytes.answer ?? 0}::int))::json,
        queued_at, started_at, ended_at + make_interval(secs => n)
      from turns, generate_series(1, ${count}::int) as n where session_id = ${id} and number = 1
    `.execute(db);
    await db
      .updateTable('sessions')
      .set((eb) => ({ turn_count: eb('turn_count', '+', count) }))
      .where('id', '=', id)
      .execute();
  };

  /** More messages of the agent, of so many bytes each. They are numbered, and small in the database. */
  const addMessages = async (id: string, count: number, bytes: number) => {
    const beginning = '{"type":"assistant","message":{"content":[{"type":"text","text":"';
    await sql`
      insert into events (session_id, seq, tenant_id, turn_id, kind, data, at)
      select id, last_seq + n, tenant_id, null, 'sdk',
        (${beginning} || n || ' ' || repeat('x', ${bytes}::int) || '"}]}}')::json, now()
      from sessions, generate_series(1, ${count}::int) as n where id = ${id}
    `.execute(db);
    await sql`
      update sessions set last_seq = last_seq + ${count}, message_count = message_count + ${count} where id = ${id}
    `.execute(db);
  };

  describe('GET /sessions/', () => {
    const list = async () => await read('GET /sessions', '/sessions/?limit=1000');
    const item = async (id: string) =>
      (await list()).body.find((found: { session_id: string }) => found.session_id === id);

    it('has the first 2 KB of its prompts, between characters, and says that there is more', async () => {
      const long = 'ä'.repeat(1500);
      const id = await newSession(`x${long}`);
      assert.equal((await item(id)).prompt, `x${long.slice(0, 1023)}`);
      assert.equal((await item(id)).prompt_truncated, true);
    });

    it('has short prompts whole, and nothing else beside them', async () => {
      const id = await newSession('one');
      await addTurns(id, 2, { prompt: 3 });
      const { prompt, ...rest } = await item(id);
      assert.equal(prompt, ['one', '1ppp', '2ppp'].join(SEPARATOR));
      assert.ok(!('prompt_truncated' in rest));
    });

    it('stays small with 100 messages of 1 MB in each of its sessions, and long answers to them', async () => {
      const ids = [await newSession('one'), await newSession('two')];
      for (const id of ids) await addTurns(id, 100, { prompt: MB, answer: 100_000 });
      const { text } = await list();
      assert.ok(text.length < 20_000, `${text.length} bytes`);
      const [id = ''] = ids;
      const { prompt, prompt_truncated, result } = await item(id);
      assert.equal(prompt, `one${SEPARATOR}1${'p'.repeat(MB)}`.slice(0, 2048));
      assert.equal(prompt_truncated, true);
      const { result: whole } = (await server.request('GET', `/status/${id}`)).body;
      assert.deepEqual(result, whole);
      assert.ok(result.usage.input_tokens > 0);
    });

    it('has of many short prompts as much as of a long one', async () => {
      const id = await newSession('one');
      await addTurns(id, 300, { prompt: 1 });
      const all = ['one', ...Array.from({ length: 300 }, (_, index) => `${index + 1}p`)].join(SEPARATOR);
      assert.equal((await item(id)).prompt, all.slice(0, 2048));
    });
  });

  describe('what an agent says of its turns', () => {
    it('is left out of lists where it is nothing that a program says', async () => {
      const id = await newSession();
      const usages = [{ input_tokens: 1, text: 2 }, { note: 'x'.repeat(20_000) }];
      for (const usage of usages) {
        const result = { session_id: 'a', num_turns: 1, duration_ms: 1, usage, text: 'hi' };
        await sql`update turns set result = ${JSON.stringify(result)}::json where session_id = ${id}`.execute(
          db,
        );
        assert.equal((await read('GET /status/{session_id}', `/status/${id}`)).body.result, null);
        const { body } = await read('GET /sessions', '/sessions/?limit=1000');
        assert.equal(body.find((item: { session_id: string }) => item.session_id === id).result, null);
      }
    });

    it('is no more of the tasks than fits, however well it compresses', async () => {
      const id = await newSession();
      const beginning = '{"type":"system","subtype":"task_started","is_backgrounded":true,"description":"';
      const add = async (count: number, bytes: number) =>
        await sql`
          with numbered as (
            update sessions set last_seq = last_seq + ${count} where id = ${id} returning tenant_id, last_seq
          )
          insert into events (session_id, seq, tenant_id, turn_id, kind, data, at)
          select ${id}, last_seq - ${count} + n, tenant_id, null, 'sdk',
            (${beginning}::text || repeat('x', ${bytes}::int) || '","task_id":"' || n || '"}')::json, now()
          from numbered, generate_series(1, ${count}::int) as n
        `.execute(db);
      await add(1, 100);
      await add(10, 2 * MB);
      // As a session that is older than the notes of tasks: its log is looked through.
      const tasks = async () => {
        await db.updateTable('sessions').set({ are_tasks_noted: false }).where('id', '=', id).execute();
        return await read('GET /sessions/{session_id}/tasks', `/sessions/${id}/tasks`);
      };
      assert.equal((await tasks()).body.tasks.length, 1);
      await add(190, 90_000);
      const { text, body } = await tasks();
      assert.ok(text.length < MB, `${text.length} bytes`);
      assert.equal(body.tasks.at(-1).task_id, '190');
    });

    it('is listed in pages that end early where it asks for much', async () => {
      const id = await newSession();
      await sql`
        insert into approvals (id, session_id, tenant_id, turn_id, kind, tool_name, tool_use_id, input, details,
          status, expires_at)
        select gen_random_uuid(), session_id, tenant_id, id, 'tool', 'Bash', n,
          ('{"command":"' || repeat('x', ${5 * MB}::int) || '"}')::json,
          '{"description":null,"plan":null,"rules":[]}'::json, 'withdrawn', now()
        from turns, generate_series(1, 5) as n where session_id = ${id}
      `.execute(db);
      const seen = new Set<string>();
      for (let cursor: string | null = ''; cursor !== null; ) {
        const query: string = `session_id=${id}${cursor && `&cursor=${cursor}`}`;
        const { body, text } = await read('GET /approvals', `/approvals?${query}`);
        assert.ok(text.length < 6 * MB, `${text.length} bytes`);
        for (const { approval_id } of body.approvals) seen.add(approval_id);
        cursor = body.next;
      }
      assert.equal(seen.size, 5);
    });
  });

  describe('GET /sessions/{session_id}', () => {
    const detail = async (id: string) => await read('GET /sessions/{session_id}', `/sessions/${id}`);

    it('has the latest 20 turns, and says how many came before', async () => {
      const id = await newSession();
      assert.equal((await detail(id)).body.turns_omitted, 0);
      await addTurns(id, 29, { prompt: 1 });
      const { turns, turns_omitted } = (await detail(id)).body;
      assert.equal(turns_omitted, 10);
      assert.deepEqual(
        turns.map((turn: { number: number }) => turn.number),
        Array.from({ length: 20 }, (_, index) => index + 11),
      );
    });

    it('has fewer where they are large, and all are in pages that end early', async () => {
      const id = await newSession();
      await addTurns(id, 30, { prompt: 400_000 });
      const { body, text } = await detail(id);
      assert.ok(text.length < MB, `${text.length} bytes`);
      assert.equal(body.turns.length, 2);
      assert.equal(body.turns_omitted, 29);
      const patched = await server.request('PATCH', `/sessions/${id}`, { title: 'large' });
      assert.deepEqual(patched.body.turns, body.turns);
      const first = await read('GET /sessions/{session_id}/turns', `/sessions/${id}/turns?limit=1000`);
      assert.equal(first.body.turns.length, 10);
      const numbers: number[] = [];
      for await (const turn of server.client.sessions.turns(id)) numbers.push(turn.number);
      assert.deepEqual(
        numbers,
        Array.from({ length: 31 }, (_, index) => index + 1),
      );
      const [newest] = await Array.fromAsync(
        server.client.sessions.turns(id, { order: 'desc', pageSize: 1 }),
      );
      assert.deepEqual(newest, body.turns.at(-1));
    });
  });

  describe('a page of whatever is listed', () => {
    // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
    type Read = (body: any) => { ids: string[]; next: string | null };
    /** All ids of a list, whose pages must each be bounded: `&cursor=` goes on. */
    const walk = async (route: string, { url, list }: { url: string; list: Read }): Promise<string[]> => {
      const all: string[] = [];
      let pages = 0;
      for (let cursor: string | null = ''; cursor !== null; pages++) {
        const { body, text, headers } = await read(route, `${url}${cursor && `&cursor=${cursor}`}`);
        const { ids, next } = list(body);
        const [, linked = null] = /cursor=([^&>]+)/.exec(headers.get('link') ?? '') ?? [];
        assert.ok(Buffer.byteLength(text) < MAX_PAGE_BYTES + 10_000, `${text.length} bytes`);
        all.push(...ids);
        cursor = next ?? linked;
      }
      assert.ok(pages > 1, 'all of it fits on a page');
      assert.equal(new Set(all).size, all.length);
      return all;
    };

    it('ends early where it would be larger than 4 MB: sessions, as list and as summaries', async () => {
      const id = await newSession();
      await sql`
        insert into sessions (id, tenant_id, status, options, usage, error, prompt, ended_at)
        select ('019f2d3c-4a5b-7c6d-8e9f-' || lpad(n::text, 12, '0'))::uuid, 'default', 'error', '{}', '{}',
          repeat('ä', 4000), repeat('p', 200), now()
        from generate_series(1, 1000) as n
      `.execute(db);
      const listed = await walk('GET /sessions', {
        url: '/sessions/?limit=1000',
        list: (body) => ({ ids: body.map((item: { session_id: string }) => item.session_id), next: null }),
      });
      assert.ok(listed.includes(id) && listed.length > 1_000);
      const summaries = await walk('GET /sessions/summaries', {
        url: '/sessions/summaries?limit=200&status=error',
        list: ({ summaries, next }) => ({
          ids: summaries.map((item: { session_id: string }) => item.session_id),
          next,
        }),
      });
      assert.equal(summaries.length, 1_000);
      await db.deleteFrom('sessions').where('status', '=', 'error').execute();
    });

    it('and the audit log', async () => {
      await sql`
        insert into audit_log (id, tenant_id, actor, ip, request_id, action, outcome, status, details)
        select gen_random_uuid(), 'default', 'test', 'local', n, 'session.delete', 'done', 200,
          ('{"method":"DELETE","route":null,"path":"' || repeat('x', 20000) || '","fields":[],"values":{}}')::json
        from generate_series(1, 400) as n
      `.execute(db);
      const entries = await walk('GET /audit', {
        url: '/audit?limit=1000',
        list: ({ entries, next }) => ({ ids: entries.map((entry: { id: string }) => entry.id), next }),
      });
      assert.ok(entries.length >= 400);
    });

    it('and API keys', async () => {
      // Nobody else sees them: a server that has keys wants one of everybody.
      const trx = await db.startTransaction().execute();
      try {
        await sql`
          insert into api_keys (id, tenant_id, name, scopes, hash, created_by, revoked_at)
          select n, 'large', repeat('n', 6000), '{sessions:read}', 'x', 'test', now() from generate_series(1, 1000) as n
        `.execute(trx);
        const services = { ...server.context.apiKeys, db: trx };
        const seen = new Set<string>();
        for (let before: string | null = null, isFirst = true; isFirst || before !== null; isFirst = false) {
          const { keys, next } = await listKeyPage(services, { tenantId: 'large', limit: 1_000, before });
          assert.ok(keys.length < 700);
          for (const { id } of keys) seen.add(id);
          before = next;
        }
        assert.equal(seen.size, 1_000);
      } finally {
        await trx.rollback().execute();
      }
    });
  });

  describe('messages that wait', () => {
    /** A session that is never begun, with 20 messages of 1 MB. */
    const waiting = async (): Promise<string> => {
      const id = await newSession();
      await addTurns(id, 20, { prompt: MB });
      await db.updateTable('turns').set({ state: 'queued' }).where('session_id', '=', id).execute();
      return id;
    };

    it('are listed in pages that end early', async () => {
      const id = await waiting();
      const page = await read('GET /sessions/{session_id}/messages', `/sessions/${id}/messages`);
      assert.ok(page.text.length < MAX_PAGE_BYTES, `${page.text.length} bytes`);
      assert.equal((await server.client.sessions.messages.list(id)).length, 21);
    });

    it('are not read when another one comes, or one is taken back, or all are; nor is what the session may do', async () => {
      const id = await waiting();
      const options = JSON.stringify({ system_prompt: 'x'.repeat(MB) });
      const grants = JSON.stringify([{ rule: `Bash(${'x'.repeat(MB)})` }]);
      await db.updateTable('sessions').set({ options, grants }).where('id', '=', id).execute();
      let bytes = 0;
      const measuring: KyselyPlugin = {
        transformQuery: ({ node }) => node,
        transformResult: async ({ result }) => {
          bytes += JSON.stringify(result.rows).length;
          return result;
        },
      };
      const services = { ...server.context.sessions, db: db.withPlugin(measuring) };
      const key = { tenantId: DEFAULT_TENANT, id };
      const message = {
        prompt: 'hello',
        content: null,
        delivery: 'queue' as const,
        asker: LOCAL_USER,
        once: null,
      };
      const { value: sent } = await sendMessage(services, key, message);
      await removeMessage(services, { ...key, turnId: sent.turn_id });
      await cancelSession(services, key);
      assert.ok(bytes > 0 && bytes < 100_000, `${bytes} bytes`);
    });
  });

  describe('GET /status/{session_id}', () => {
    const status = async (id: string, query = '') =>
      await read('GET /status/{session_id}', `/status/${id}${query}`);
    const numberOf = (message: { content: { content: { text: string }[] } }): number =>
      Number.parseInt(message.content.content[0]?.text ?? '', 10);
    const next = (answer: Answer): string | undefined =>
      /^<\/status\/[^?]*(\?[^>]*)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1];

    it('is, byte for byte, the whole of what the agent said where that is not much', async () => {
      const id = await server.execute({ prompt: "run: printf 'a\\0b'", allowed_tools: ['Bash'] });
      await server.ended(id);
      const log = await readTable(db, id);
      const messages = log.flatMap((event) =>
        event.kind === 'sdk' ? (toClassicMessage(event.data, new Date(event.at)) ?? []) : [],
      );
      const answer = await status(id);
      const { result, error, duration_ms, total_cost_usd } = answer.body;
      const expected = {
        session_id: id,
        status: 'completed',
        messages,
        result,
        error,
        duration_ms,
        total_cost_usd,
      };
      assert.equal(answer.text, JSON.stringify(expected));
      assert.equal(answer.headers.get('link'), null);
      assert.match(answer.headers.get('content-type') ?? '', /^application\/json; charset=utf-8$/);
      const head = await fetch(`${server.url}/status/${id}`, { method: 'HEAD' });
      assert.deepEqual([head.status, await head.text()], [200, '']);
      const empty = await server.execute({ prompt: '[demo:hang]' });
      assert.deepEqual((await status(empty, '?after=1000')).body.messages, []);
      await server.request('POST', `/cancel/${empty}`);
    });

    it('has the newest 8 MB of it, says how many messages are left out, and links to them', async () => {
      const id = await newSession();
      const before = (await status(id)).body.messages.length;
      await addMessages(id, 200, 100_000);
      const answer = await status(id);
      const { messages, messages_omitted } = answer.body;
      assert.ok(answer.text.length > 7 * MB && answer.text.length < 9 * MB, `${answer.text.length} bytes`);
      assert.equal(messages.length + messages_omitted, before + 200);
      assert.deepEqual(
        messages.map(numberOf),
        Array.from({ length: messages.length }, (_, index) => 200 - messages.length + index + 1),
      );
      assert.equal(answer.headers.get('link'), `</status/${id}?after=0>; rel="first"`);
    });

    it('gives all of it in pages, each message once, and then what has come since', async () => {
      const id = await newSession();
      const short = (await status(id)).body.messages;
      await addMessages(id, 200, 100_000);
      const seen: { content: { content: { text: string }[] } }[] = [];
      let answer = await status(id, '?after=0');
      seen.push(...answer.body.messages);
      for (let page = next(answer); page !== undefined; page = next(answer)) {
        assert.equal(answer.body.has_more, true);
        answer = await status(id, page);
        seen.push(...answer.body.messages);
      }
      assert.deepEqual(seen.slice(0, short.length), short);
      assert.deepEqual(
        seen.slice(short.length).map(numberOf),
        Array.from({ length: 200 }, (_, index) => index + 1),
      );
      const { has_more, next_after } = answer.body;
      assert.equal(has_more, false);
      await addMessages(id, 1, 10);
      assert.deepEqual((await status(id, `?after=${next_after}`)).body.messages.map(numberOf), [1]);
      const few = await status(id, '?after=0&limit=2');
      assert.deepEqual(few.body.messages, short.slice(0, 2));
      assert.match(next(few) ?? '', /^\?after=\d+&limit=2$/);
      assert.deepEqual((await status(id, '?limit=1')).body.messages.map(numberOf), [1]);
    });

    it('shows a message that alone is larger, and gets past it', async () => {
      const id = await newSession();
      const short = (await status(id)).body.messages.length;
      await addMessages(id, 2, 10 * MB);
      const newest = (await status(id)).body;
      assert.deepEqual(newest.messages.map(numberOf), [2]);
      assert.equal(newest.messages_omitted, short + 1);
      const first = await status(id, '?after=0');
      assert.equal(first.body.messages.length, short);
      const second = await status(id, next(first));
      assert.deepEqual(second.body.messages.map(numberOf), [1]);
    });

    it('reads on only when the client has taken what was read before', async () => {
      const id = await newSession();
      await addMessages(id, 20, 100_000);
      let queries = 0;
      const counting: KyselyPlugin = {
        transformQuery: ({ node }) => {
          queries += 1;
          return node;
        },
        transformResult: async ({ result }) => result,
      };
      const key = { tenantId: DEFAULT_TENANT, id };
      const found = await readStatus(db, key, { after: null, limit: null });
      assert.ok(found.window.ranges.length > 5);
      const stream = streamStatus(db.withPlugin(counting), found)[Symbol.asyncIterator]();
      await stream.next();
      await stream.next();
      assert.ok(queries <= 3, `${queries} queries`);
      await stream.return?.();
    });

    it('answers for more than a string can hold, several at once, while others are answered', async () => {
      const id = await newSession();
      await addMessages(id, 5_500, 100_000);
      const memory = process.memoryUsage().rss;
      const delays = monitorEventLoopDelay({ resolution: 5 });
      delays.enable();
      const sizes = await Promise.all(Array.from({ length: 4 }, async () => await measure(`/status/${id}`)));
      delays.disable();
      const grown = process.memoryUsage().rss - memory;
      for (const size of sizes) assert.ok(size > 7 * MB && size < 9 * MB, `${size} bytes`);
      assert.ok(grown < 200 * MB, `${grown} bytes more`);
      assert.ok(delays.max < 500 * MB, `others waited for ${delays.max / MB} ms`);
    });

    const measure = async (url: string): Promise<number> =>
      await new Promise((resolve, reject) => {
        get(server.url + url, (response) => {
          let size = 0;
          response.on('data', (piece: Buffer) => {
            size += piece.length;
          });
          response.on('end', () => resolve(size)).on('error', reject);
        }).on('error', reject);
      });
  });
});
