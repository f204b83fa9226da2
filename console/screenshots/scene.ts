import { realpathSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { GreenroomClient } from '../../client/src/index.ts';
import { createDatabaseClient } from '../../server/src/ground/db/client.ts';
import { createSilentLogger } from '../../server/src/ground/log.ts';
import { embeddedConnection } from '../../server/src/ground/postgres/embedded-postgres.ts';
import { startServerProcess } from '../../server/test/support/server-process.ts';
import { startScriptedModel } from './scripted-model.ts';
import { makeShop } from './shop.ts';
import { type Story, scriptsIn, stories } from './stories.ts';

/** A server with the sessions of the stories, as they stand when the pictures are taken. */
export type Scene = {
  url: string;
  /** Of the sessions, by title. */
  ids: ReadonlyMap<string, string>;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function setScene(directory: string): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const shop = join(directory, 'shop');
  const dataDir = join(directory, 'data');
  await mkdir(dataDir);
  await makeShop(shop);
  const model = stack.use(await startScriptedModel(scriptsIn(shop)));
  const server = stack.use(
    await startServerProcess({
      dataDir,
      env: {
        ANTHROPIC_BASE_URL: model.url,
        ANTHROPIC_API_KEY: 'a-key-of-the-scripted-model',
        GREENROOM_ISOLATION: 'none',
        GREENROOM_MAX_SESSIONS: '20',
        GREENROOM_SHUTDOWN_GRACE: '0s',
        GREENROOM_WORKSPACE_ROOTS: directory,
      },
    }),
  );
  const client = new GreenroomClient({ baseUrl: server.url });
  const ids = new Map<string, string>();
  for (const story of stories) ids.set(story.title, await tell(client, { story, cwd: shop }));
  await setBack(dataDir, ids);
  const resources = stack.move();
  return { url: server.url, ids, [Symbol.asyncDispose]: async () => await resources.disposeAsync() };
}

async function tell(client: GreenroomClient, { story, cwd }: { story: Story; cwd: string }): Promise<string> {
  const { title, prompts, options = {}, metadata = {} } = story;
  const [first = '', ...others] = prompts;
  const { session_id: id } = await client.execute({ prompt: first, title, metadata, cwd, ...options });
  for (const prompt of others) {
    await reached(client, { id, until: 'ended' });
    await client.execute({ prompt, resume_session_id: id });
  }
  await reached(client, { id, until: story.until });
  if (story.isRead) await client.sessions.mark(id, { read_seq: (await client.sessions.get(id)).last_seq });
  if (story.isPinned) await client.sessions.mark(id, { pinned: true });
  return id;
}

async function reached(
  client: GreenroomClient,
  { id, until }: { id: string; until: Story['until'] },
): Promise<void> {
  const { turns } = await client.sessions.get(id);
  const turn = turns.at(-1)?.turn_id;
  for await (const event of client.sessions.stream(id, { deltas: true })) {
    if (event.kind === 'delta') {
      if (until === 'writes' && event.data.offset > 200) return;
    } else if ('turn_id' in event && event.turn_id === turn) {
      if (until === 'ended' && event.kind === 'turn' && event.data.phase === 'ended') return;
      if (until === 'asks' && event.kind === 'approval') return;
      if (until === 'calls' && JSON.stringify(event.data).includes('"tool_use"')) return;
    }
  }
  throw new Error(`session ${id} never came so far: ${until}`);
}

/** Nobody starts nine sessions within a minute. */
async function setBack(dataDir: string, ids: ReadonlyMap<string, string>): Promise<void> {
  const connection = embeddedConnection(realpathSync(dataDir));
  await using database = createDatabaseClient(connection, {
    logger: createSilentLogger(),
    maxConnections: 1,
  });
  // Who reads for the first time has read what there is, and these ended long before.
  await sql`update session_readers set read_before = 'epoch'`.execute(database.db);
  for (const { title, minutesAgo } of stories) {
    const id = ids.get(title) ?? '';
    const { rows } = await sql<{ age: number }>`
      select extract(epoch from now() - created_at)::float8 as age from sessions where id = ${id}`.execute(
      database.db,
    );
    const back = sql`make_interval(secs => ${minutesAgo * 60 - (rows[0]?.age ?? 0)})`;
    await sql`
      update sessions set created_at = created_at - ${back}, started_at = started_at - ${back},
        ended_at = ended_at - ${back}, updated_at = updated_at - ${back} where id = ${id}`.execute(
      database.db,
    );
    await sql`
      update turns set queued_at = queued_at - ${back}, started_at = started_at - ${back}, ended_at = ended_at - ${back}
      where session_id = ${id}`.execute(database.db);
    await sql`update events set at = at - ${back} where session_id = ${id}`.execute(database.db);
    await sql`update approvals set requested_at = requested_at - ${back} where session_id = ${id}`.execute(
      database.db,
    );
  }
}
