import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { type Kysely, sql } from 'kysely';
import { createTranscriptStore, type TranscriptStore } from '../../src/engine/agent/transcript-store.ts';
import type { Database } from '../../src/ground/db/database.ts';
import { newSessionId } from '../../src/ground/ids.ts';
import { insertSession } from '../../src/session/store.ts';
import { createDatabase, startTestServer } from '../support/harness.ts';
import { until } from '../support/server-process.ts';

/** Refuses what has the text in it, as a database does that has a fault. */
async function refuse(db: Kysely<Database>, text: string): Promise<void> {
  await sql`
    create function refuse() returns trigger language plpgsql as $$
    begin
      if position(${sql.lit(text)} in new.entry::text) > 0 then raise 'refused'; end if;
      return new;
    end $$`.execute(db);
  await sql`create trigger refuse before insert on transcripts for each row execute function refuse()`.execute(
    db,
  );
}

describe('the store of transcripts', () => {
  const open = async (db: Kysely<Database>, failed = new AbortController()) => {
    const id = newSessionId();
    const session = {
      id,
      tenantId: 'default',
      options: {},
      cwd: null,
      title: null,
      metadata: {},
      apiKeyId: null,
      maxBudgetUsd: null,
    };
    await db.transaction().execute(async (trx) => await insertSession(trx, session));
    const store = createTranscriptStore({ db, sessionId: id, fence: 0, failed: failed.signal });
    const append = async (text: string): Promise<void> =>
      await store.append({ projectKey: 'p', sessionId: id }, [{ type: 'user', uuid: randomUUID(), text }]);
    return { store, append, stored: async () => await textsOf(store, id) };
  };
  const textsOf = async (store: TranscriptStore, sessionId: string): Promise<unknown[] | undefined> =>
    (await store.load({ projectKey: 'p', sessionId }))?.map((entry) => (entry as { text?: string }).text);

  it('stores nothing after what could not be stored: a conversation has no holes', async () => {
    await using database = await createDatabase();
    await using server = await startTestServer({ databaseUrl: database.url });
    const { db } = server.context.database;
    const { append, store, stored } = await open(db);
    await refuse(db, 'two');
    await append('one');
    await assert.rejects(append('two'), /refused/);
    await assert.rejects(append('three'), /refused/);
    await sql`drop trigger refuse on transcripts`.execute(db);
    await assert.rejects(append('four'), /refused/);
    await store.flush();
    await store.seal();
    assert.deepEqual(await stored(), ['one']);
  });

  it('stores in order what was cancelled, and is flushed when all of it is there', async () => {
    await using database = await createDatabase();
    await using server = await startTestServer({ databaseUrl: database.url });
    const { db } = server.context.database;
    const { append, store, stored } = await open(db);
    const unlocked = Promise.withResolvers<void>();
    const locked = Promise.withResolvers<void>();
    const lock = db.transaction().execute(async (trx) => {
      await sql`lock table transcripts in share mode`.execute(trx);
      locked.resolve();
      await unlocked.promise;
    });
    await locked.promise;
    let isFlushed = false;
    const appended = [append('one'), append('two')];
    const flushed = store.flush().then(() => {
      isFlushed = true;
    });
    for (let times = 0; times < 3; times++) {
      await until('it waits, and is cancelled', async () => {
        const { rows } = await sql<{ ok: boolean }>`
          select pg_cancel_backend(pid) as ok from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' and query like '%insert into transcripts%'
            and pid <> pg_backend_pid()`.execute(db);
        return rows.length === 1;
      });
    }
    assert.equal(isFlushed, false);
    unlocked.resolve();
    await Promise.all([lock, flushed, ...appended]);
    assert.deepEqual(await stored(), ['one', 'two']);
  });

  it('stores nothing once the session was given up, and says nothing of it', async () => {
    await using server = await startTestServer();
    const { db } = server.context.database;
    const failed = new AbortController();
    const { append, store, stored } = await open(db, failed);
    await append('one');
    failed.abort(new Error('gone'));
    await append('two');
    await store.seal();
    assert.deepEqual(await stored(), ['one']);
  });

  it('ends the turn with the reason where it fails: what an agent does and nobody notes is not kept', async () => {
    await using database = await createDatabase();
    await using server = await startTestServer({ databaseUrl: database.url });
    await refuse(server.context.database.db, 'tool_result');
    const id = await server.execute({ prompt: 'run: echo once', allowed_tools: ['Bash'] });
    assert.equal((await server.ended(id)).status, 'error');
    const { turns } = await server.client.sessions.get(id);
    assert.equal(turns[0]?.error?.code, 'agent_crashed');
    assert.match(turns[0]?.error?.message ?? '', /what the agent noted could not be stored: refused/);
  });
});
