import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { createKey } from '../../src/access/api-key/service.ts';
import { createCommand, revokeCommand } from '../../src/command/keys.ts';
import { auditedRoutes, unauditedRoutes } from '../../src/face/gate/audited-routes.ts';
import { NO_LIMITS, type Scope } from '../../src/ground/identity.ts';
import { ApiDocument } from '../support/api-document.ts';
import { startTestServer, type TestServer } from '../support/harness.ts';
import { until } from '../support/server-process.ts';

type Entry = Record<string, unknown> & {
  action: string;
  outcome: string;
  details: { values: Record<string, unknown>; fields: string[]; path: string };
};

describe('the audit log', () => {
  let server: TestServer;
  const keys: Record<string, string> = {};
  before(async () => {
    server = await startTestServer();
    const make = async (name: string, tenantId: string, scopes: Scope[]): Promise<void> => {
      const request = { tenantId, name, scopes, expiresAt: null, limits: NO_LIMITS, createdBy: 'test' };
      keys[name] = (await createKey(server.context.apiKeys, request)).secret;
    };
    await make('operator', 'default', ['operator']);
    await make('ada', 'acme', ['admin']);
    await make('reader', 'acme', ['sessions:read']);
    await make('eve', 'elsewhere', ['admin']);
  });
  after(async () => await server[Symbol.asyncDispose]());

  const call = async (key: string | null, method: string, path: string, body?: object): Promise<Response> =>
    await fetch(server.url + path, {
      method,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${keys[key]}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const entries = async (key: string, query = ''): Promise<Entry[]> => {
    const answer = await call(key, 'GET', `/audit?${query}`);
    assert.equal(answer.status, 200);
    return ((await answer.json()) as { entries: Entry[] }).entries;
  };
  const start = async (prompt = 'a-private-matter'): Promise<string> => {
    const answer = await call('ada', 'POST', '/execute/', { prompt, env: { TOKEN: 's3cret' }, max_turns: 3 });
    return ((await answer.json()) as { session_id: string }).session_id;
  };

  it('has the address also of who went away before the answer', async () => {
    const id = await start('[demo:hang]');
    // From then on nothing but the request waits for the session.
    await server.as(keys.ada ?? '').event(id, ({ kind }) => kind === 'sdk');
    const { db } = server.context.database;
    const { promise: isHeld, resolve: held } = Promise.withResolvers<void>();
    const { promise: isGone, resolve: gone } = Promise.withResolvers<void>();
    const holding = db.transaction().execute(async (trx) => {
      await trx.selectFrom('sessions').select('id').where('id', '=', id).forUpdate().execute();
      held();
      await isGone;
    });
    await isHeld;
    const { hostname, port } = new URL(server.url);
    const socket = connect({ host: hostname, port: Number(port) });
    const head = [
      `POST /cancel/${id} HTTP/1.1`,
      `host: ${hostname}:${port}`,
      `authorization: Bearer ${keys.ada}`,
    ];
    socket.write(`${[...head, 'content-length: 0'].join('\r\n')}\r\n\r\n`);
    await until('the request waits', async () => {
      const { rows } = await sql<{ n: number }>`
        select count(*)::int as n from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`.execute(db);
      return (rows[0]?.n ?? 0) > 0;
    });
    socket.destroy();
    await once(socket, 'close');
    gone();
    await holding;
    await until('it is written down', async () =>
      (await entries('ada', 'action=session.cancel')).some(
        ({ object_id, ip }) => object_id === id && ip === '127.0.0.1',
      ),
    );
  });

  it('has an action for every route that changes something', async () => {
    const { operations } = await ApiDocument.read(server);
    const changing = [...operations.keys()]
      .filter((name) => !/^(GET|HEAD) /.test(name) && name !== 'POST /execute/validate')
      .map((name) => name.replace('{path}', '*').replaceAll(/\{(\w+)\}/g, ':$1'));
    const known = [...Object.keys(auditedRoutes), ...unauditedRoutes];
    assert.deepEqual(changing.toSorted(), known.toSorted());
  });

  it('says who did what to what, from where, and nothing of what was said', async () => {
    const id = await start();
    const [entry, ...more] = await entries('ada', `object=${id}`);
    assert.deepEqual(more, []);
    const { id: _, at, request_id, actor_id, details, ...rest } = entry ?? assert.fail();
    assert.deepEqual(rest, {
      tenant: 'acme',
      actor: 'ada',
      ip: '127.0.0.1',
      action: 'session.create',
      outcome: 'done',
      object_type: 'session',
      object_id: id,
      status: 200,
    });
    assert.equal(actor_id, /^grk_([0-9a-f]+)_/.exec(keys.ada ?? '')?.[1]);
    assert.match(String(request_id), /^[0-9a-f-]{36}$/);
    assert.ok(Date.parse(String(at)) <= Date.now());
    assert.deepEqual(details.fields.toSorted(), ['env', 'max_turns', 'prompt']);
    assert.deepEqual(details.values, { max_turns: 3 });
    assert.doesNotMatch(JSON.stringify(await entries('ada')), /a-private-matter|s3cret|grk_/);
  });

  it('tells starting, resuming, changing, cancelling and deleting apart', async () => {
    const id = await start('[demo:hang]');
    await call('ada', 'PATCH', `/sessions/${id}`, { title: 'a-private-matter', max_budget_usd: 5 });
    await call('ada', 'PUT', `/sessions/${id}/files/notes/a.txt`);
    await call('ada', 'POST', `/cancel/${id}`);
    await call('ada', 'POST', '/execute/', { prompt: 'again', resume_session_id: id });
    await call('ada', 'POST', `/cancel/${id}`);
    await call('ada', 'DELETE', `/sessions/${id}`);
    const found = await entries('ada', `object=${id}`);
    assert.deepEqual(found.map(({ action }) => action).toReversed(), [
      ...['session.create', 'session.change', 'file.write', 'session.cancel'],
      ...['session.resume', 'session.cancel', 'session.delete'],
    ]);
    const change = found.find(({ action }) => action === 'session.change');
    assert.deepEqual(change?.details.values, { max_budget_usd: 5 });
    const write = found.find(({ action }) => action === 'file.write');
    assert.equal(write?.details.path, `/sessions/${id}/files/notes/a.txt`);
  });

  it('has the requests that were denied, those without a key for operators alone', async () => {
    assert.equal((await call('reader', 'DELETE', '/sessions/cleanup')).status, 403);
    assert.equal((await call(null, 'GET', '/sessions')).status, 401);
    assert.equal((await call(null, 'GET', `/status/${keys.ada}?ticket=x`)).status, 401);
    const denied = await entries('ada', 'outcome=denied');
    assert.deepEqual(
      denied.map(({ actor, action, status }) => [actor, action, status]),
      [['reader', 'session.cleanup', 403]],
    );
    const all = await entries('operator', 'outcome=denied');
    assert.doesNotMatch(JSON.stringify(all), new RegExp(keys.ada ?? ''));
    assert.ok(
      all.some(({ tenant, actor, status }) => tenant === null && actor === 'nobody' && status === 401),
    );
  });

  it('shows administrators what is of their tenant, and others nothing', async () => {
    await start();
    assert.deepEqual(await entries('eve'), []);
    assert.deepEqual(await entries('eve', 'tenant=acme'), []);
    assert.equal((await call('reader', 'GET', '/audit')).status, 403);
    assert.ok((await entries('operator', 'tenant=acme')).length > 0);
  });

  it('is filtered, paged, and exported as JSON lines', async () => {
    for (let time = 0; time < 5; time++) await start();
    const created = await entries('ada', 'action=session.create&limit=1000');
    const paged: Entry[] = [];
    for (let cursor = ''; ; ) {
      const answer = await call('ada', 'GET', `/audit?action=session.create&limit=2${cursor}`);
      const page = (await answer.json()) as { entries: Entry[]; next: string | null };
      paged.push(...page.entries);
      if (page.next === null) break;
      cursor = `&cursor=${page.next}`;
    }
    assert.deepEqual(paged, created);
    // Of an entry that there is not, the id says where it was.
    assert.deepEqual(
      await entries('ada', `action=session.create&limit=1000&cursor=${randomUUIDv7()}`),
      created,
    );
    const exported = await call('ada', 'GET', '/audit?action=session.create&format=jsonl');
    assert.equal(exported.headers.get('content-type'), 'application/x-ndjson');
    const lines = (await exported.text()).trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line)),
      created,
    );
    const middle = String(created[2]?.at);
    const later = await entries('ada', `action=session.create&from=${encodeURIComponent(middle)}`);
    assert.deepEqual(
      later,
      created.filter(({ at }) => String(at) >= middle),
    );
    const earlier = await entries('ada', `action=session.create&to=${encodeURIComponent(middle)}`);
    assert.deepEqual(
      earlier,
      created.filter(({ at }) => String(at) < middle),
    );
  });

  it('has the keys that were made and revoked by command', async () => {
    const made = await createCommand({ name: 'by hand', tenant: 'acme' })(server.context.apiKeys);
    const id = /^grk_([0-9a-f]+)_/.exec(made.output)?.[1] ?? '';
    await revokeCommand(id)(server.context.apiKeys);
    const found = await entries('ada', `object=${id}`);
    assert.deepEqual(
      found.map(({ action, actor, ip }) => [action, actor, ip]),
      [
        ['api_key.revoke', 'greenroom keys', 'local'],
        ['api_key.create', 'greenroom keys', 'local'],
      ],
    );
  });

  it('cannot be changed, not even by the server', async () => {
    const { db } = server.context.database;
    const append = /append-only/;
    await assert.rejects(async () => await db.updateTable('audit_log').set({ actor: 'x' }).execute(), append);
    await assert.rejects(async () => await db.deleteFrom('audit_log').execute(), append);
  });

  it('takes names that would break lines apart for what they are', async () => {
    const id = await start();
    const nasty = encodeURIComponent('a\n{"action":"session.delete"}\r\n\u2028.txt');
    assert.equal((await call('ada', 'PUT', `/sessions/${id}/files/${nasty}`)).status, 201);
    const exported = await (await call('ada', 'GET', `/audit?object=${id}&format=jsonl`)).text();
    const lines = exported.trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).action),
      ['file.write', 'session.create'],
    );
  });
});

describe('an entry of the audit log', () => {
  it('is stored when the database is back, once', async () => {
    await using server = await startTestServer();
    const { db } = server.context.database;
    await sql`create sequence tries`.execute(db);
    // What is counted stays counted, also where the statement fails.
    await sql`
      create function fail_once() returns trigger language plpgsql security definer as $$
      begin
        if nextval('greenroom.tries') = 1 then
          raise 'terminating connection due to administrator command' using errcode = '57P01';
        end if;
        return new;
      end $$`.execute(db);
    await sql`create trigger fail_once before insert on audit_log for each row execute function fail_once()`.execute(
      db,
    );
    const id = await server.execute({ prompt: 'hello' });
    const { body } = await server.request('GET', `/audit?object=${id}`);
    assert.deepEqual(
      body.entries.map(({ action }: Entry) => action),
      ['session.create'],
    );
    const { rows } = await sql<{ last_value: string }>`select last_value from tries`.execute(db);
    assert.equal(Number(rows[0]?.last_value), 2);
  });
});
