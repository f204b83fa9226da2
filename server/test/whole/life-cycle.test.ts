import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc, { type AsyncCommand } from 'fast-check';
import { startTestServer, type TestServer } from '../support/harness.ts';

/*
 * The life of sessions as a client sees it, against a model of it: what each request must answer in each state, in any
 * order. LIFE_SEED repeats a run, LIFE_RUNS makes a longer one.
 *
 * - running: its turn never ends by itself; messages may wait behind it.
 * - asking: its turn waits for an approval.
 * - ended: as `completed` or `cancelled`; a message or a resume gives it a turn, which this test waits for.
 * - gone: deleted.
 */

const seed = Number(process.env.LIFE_SEED ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env.LIFE_RUNS ?? 4);
const MAX_ACTIVE = 3;

type State = 'running' | 'asking' | 'completed' | 'cancelled' | 'gone';
type Session = { id: string; state: State; turns: number; queued: number; approval: string | null };
type Model = { sessions: Session[] };
type Real = TestServer;

const isActive = ({ state }: Session): boolean => state === 'running' || state === 'asking';

/** Something that a client does to the session that `at` picks. */
function step(
  name: string,
  run: (session: Session, server: Real) => Promise<void>,
): fc.Arbitrary<AsyncCommand<Model, Real>> {
  return fc.nat().map((at) => ({
    check: ({ sessions }) => sessions.length > 0,
    run: async ({ sessions }, server) => {
      const session = sessions[at % sessions.length] ?? assert.fail();
      await run(session, server);
      await assertAsModelled(session, server);
    },
    toString: () => `${name}(${at})`,
  }));
}

function start(kind: 'running' | 'asking' | 'completed'): fc.Arbitrary<AsyncCommand<Model, Real>> {
  const prompts = { running: '[demo:hang]', asking: 'run: echo hello > greeting.txt', completed: 'hello' };
  const isRoom = (sessions: Session[]): boolean => sessions.filter(isActive).length < MAX_ACTIVE;
  return fc.constant({
    check: ({ sessions }: Model) => kind === 'completed' || isRoom(sessions),
    run: async ({ sessions }: Model, server: Real) => {
      const id = await server.execute({ prompt: prompts[kind], approvals: 'ask' });
      const session: Session = { id, state: kind, turns: 1, queued: 0, approval: null };
      sessions.push(session);
      if (kind === 'running') await begun(server, id, 1);
      if (kind === 'completed') await server.ended(id);
      if (kind === 'asking') session.approval = await asked(server, id);
      await assertAsModelled(session, server);
    },
    toString: () => `start ${kind}`,
  });
}

async function begun(server: Real, id: string, turn: number): Promise<void> {
  await server.event(
    id,
    ({ kind, data }) => kind === 'turn' && data.phase === 'started' && data.turn === turn,
  );
}

async function asked(server: Real, id: string): Promise<string> {
  const event = await server.event(id, ({ kind, data }) => kind === 'approval' && data.phase === 'requested');
  assert.ok(event.kind === 'approval');
  return event.data.approval.approval_id;
}

/** Sends a request, and holds what it answers against what the state of the session asks for. */
async function expect(
  server: Real,
  [method, path, body]: [method: string, path: string, body?: object],
  [status, code]: [status: number, code?: string],
): Promise<void> {
  const given = await server.request(method, path, body);
  const what = `${method} ${path}: ${JSON.stringify(given.body)}`;
  assert.equal(given.status, status, what);
  if (code !== undefined) assert.equal(given.body.code, code, what);
}

const steps = [
  step('cancel', async (session, server) => {
    const path = `/cancel/${session.id}`;
    if (session.state === 'gone') return await expect(server, ['POST', path], [404, 'not_found']);
    if (!isActive(session)) return await expect(server, ['POST', path], [400, 'session_not_running']);
    await expect(server, ['POST', path], [200]);
    Object.assign(session, { state: 'cancelled', queued: 0 });
  }),
  step('delete', async (session, server) => {
    const path = `/sessions/${session.id}`;
    if (session.state === 'gone') return await expect(server, ['DELETE', path], [404, 'not_found']);
    if (isActive(session)) return await expect(server, ['DELETE', path], [400, 'session_running']);
    await expect(server, ['DELETE', path], [200]);
    session.state = 'gone';
  }),
  step('resume', async (session, server) => {
    const body = { prompt: 'hello again', resume_session_id: session.id };
    if (session.state === 'gone') {
      return await expect(server, ['POST', '/execute/', body], [400, 'session_not_resumable']);
    }
    if (isActive(session)) return await expect(server, ['POST', '/execute/', body], [400, 'session_running']);
    await expect(server, ['POST', '/execute/', body], [200]);
    await finish(session, server);
  }),
  step('message', async (session, server) => {
    const path = `/sessions/${session.id}/messages`;
    const body = { prompt: 'and then?' };
    if (session.state === 'gone') return await expect(server, ['POST', path, body], [404, 'not_found']);
    await expect(server, ['POST', path, body], [202]);
    if (!isActive(session)) return await finish(session, server);
    session.turns += 1;
    session.queued += 1;
  }),
  step('interrupt', async (session, server) => {
    const path = `/sessions/${session.id}/interrupt?queued=discard`;
    if (session.state === 'gone') return await expect(server, ['POST', path], [404, 'not_found']);
    if (!isActive(session)) return await expect(server, ['POST', path], [400, 'session_not_running']);
    await expect(server, ['POST', path], [200]);
    Object.assign(session, { state: 'cancelled', queued: 0 });
  }),
  step('decide', async (session, server) => {
    if (session.approval === null) return;
    const path = `/approvals/${session.approval}`;
    const body = { decision: 'allow' };
    if (session.state === 'gone') return await expect(server, ['POST', path, body], [404, 'not_found']);
    if (session.state !== 'asking')
      return await expect(server, ['POST', path, body], [409, 'approval_decided']);
    await expect(server, ['POST', path, body], [200]);
    Object.assign(session, { state: 'completed', queued: 0 });
    await server.ended(session.id);
  }),
];

/** The turn that an ended session was given. */
async function finish(session: Session, server: Real): Promise<void> {
  session.turns += 1;
  await server.ended(session.id);
  session.state = 'completed';
}

/** What a client can read of the session, everywhere that it can. */
async function assertAsModelled(session: Session, server: Real): Promise<void> {
  const { id, state, turns, queued } = session;
  const status = await server.request('GET', `/status/${id}`);
  const events = await server.request('GET', `/sessions/${id}/events?limit=1000`);
  const detail = await server.request('GET', `/sessions/${id}`);
  if (state === 'gone') {
    assert.deepEqual([status.status, events.status, detail.status], [404, 404, 404]);
    return;
  }
  assert.equal(status.body.status, isActive(session) ? 'running' : state);
  assert.equal(detail.body.waiting_for, state === 'asking' ? 'approval' : null);
  assert.equal(detail.body.turns.length + detail.body.turns_omitted, turns);
  const waiting = detail.body.turns.filter((turn: { state: string }) => turn.state === 'queued');
  assert.equal(waiting.length, queued);
  const found: { seq: number; kind: string; data: { phase?: string; turn?: number } }[] = events.body.events;
  assert.deepEqual(
    found.map(({ seq }) => seq),
    found.map((_, index) => index + 1),
  );
  const ends = found.filter(({ kind, data }) => kind === 'turn' && data.phase === 'ended');
  const open = queued + (isActive(session) ? 1 : 0);
  assert.deepEqual(
    new Set(ends.map(({ data }) => data.turn)).size,
    turns - open,
    'each turn that is not open has ended',
  );
  assert.equal(ends.length, turns - open, 'and only once');
}

describe(`the life of sessions (LIFE_SEED=${seed})`, () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer({ config: { maxSessions: 8, idleTtl: 0 } });
  });
  after(async () => await server[Symbol.asyncDispose]());

  it('is what its model says, whatever clients do in whatever order', async () => {
    const kinds = [start('running'), start('asking'), start('completed')];
    const commands = fc.commands([...kinds, ...steps], { maxCommands: 14, size: 'max' });
    const property = fc.asyncProperty(commands, async (chosen) => {
      const model: Model = { sessions: [] };
      try {
        await fc.asyncModelRun(() => ({ model, real: server }), chosen);
      } finally {
        for (const { id } of model.sessions.filter(isActive)) await server.request('POST', `/cancel/${id}`);
      }
    });
    await fc.assert(property, { seed, numRuns, endOnFailure: true });
  });
});
