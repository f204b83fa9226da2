import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { type CutPoint, cutPoints, Subject } from '../support/cut-points.ts';
import { startGateModel } from '../support/gate-model.ts';
import { findProcesses, temporaryDirectory } from '../support/harness.ts';
import { type ServerProcess, startServerProcess, until } from '../support/server-process.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
type Json = any;

/** What came of a point. */
type Found = { session: Json; events: Json[]; marks: string };

type Way = {
  name: string;
  /** What is ended, and how. */
  target: 'server' | 'agents';
  by: NodeJS.Signals;
  env?: Record<string, string>;
  points: CutPoint[];
  /** Where a turn that is not to go on ends. */
  code: string;
};

const ways: Way[] = [
  { name: 'its server is killed', target: 'server', by: 'SIGKILL', points: cutPoints, code: 'interrupted' },
  {
    name: 'its server is stopped, and does not wait for long',
    target: 'server',
    by: 'SIGTERM',
    env: { GREENROOM_SHUTDOWN_GRACE: '500ms' },
    points: cutPoints,
    code: 'interrupted',
  },
  {
    name: 'its agent program is killed',
    target: 'agents',
    by: 'SIGKILL',
    env: { GREENROOM_ISOLATION: 'none' },
    points: cutPoints.filter(({ hasProgram }) => hasProgram !== false),
    code: 'agent_crashed',
  },
];

async function end(server: ServerProcess, signal: NodeJS.Signals): Promise<void> {
  server.kill(signal);
  await server.exited;
  await until('nothing of it is left', async () => (await server.processes()).length === 0);
}

async function endAgents(subjects: Iterable<Subject>, signal: NodeJS.Signals): Promise<void> {
  for (const { id } of subjects) process.kill(Math.min(...(await findProcesses(`/${id}/`))), signal);
}

for (const { name, target, by: signal, env, points, code } of ways) {
  describe(`a turn, when ${name}`, { timeout: 600_000 }, () => {
    const stack = new AsyncDisposableStack();
    const found = new Map<CutPoint, Found>();
    before(async () => {
      const dataDir = stack.use(await temporaryDirectory()).path;
      const gate = stack.use(await startGateModel());
      const start = async (): Promise<ServerProcess> =>
        stack.use(
          await startServerProcess({
            dataDir,
            env: {
              ANTHROPIC_BASE_URL: gate.url,
              ANTHROPIC_API_KEY: 'dummy',
              GREENROOM_MAX_SESSIONS: '40',
              ...env,
            },
          }),
        );
      const first = await start();
      const subjects = new Map<CutPoint, Subject>();
      const begin = async (point: CutPoint): Promise<void> => {
        const key = `point-${points.indexOf(point)}-of-the-table`;
        if (point.hold !== undefined) gate.hold(key, point.hold);
        const { prompt, ...request } = point.request;
        const id = await first.execute({
          ...request,
          prompt: prompt.replace('KEY', key),
          append_system_prompt: key,
        });
        subjects.set(point, new Subject(first, id, () => gate.holds(key)));
      };
      for (const isLate of [undefined, true] as const) {
        const some = points.filter((point) => point.isLate === isLate);
        for (const point of some) await begin(point);
        for (const point of some) {
          const subject = subjects.get(point) ?? assert.fail();
          await until(point.where, async () => await point.reached(subject), 240_000);
        }
      }
      if (target === 'server') await end(first, signal);
      else await endAgents(subjects.values(), signal);
      const next = target === 'server' ? await start() : first;
      for (const [point, before] of subjects) {
        const subject = before.at(next);
        await point.after?.(subject);
        const session = await subject.ended();
        found.set(point, { session, events: await subject.events(), marks: await subject.marks() });
      }
    });
    after(async () => await stack.disposeAsync());

    for (const point of points) {
      it(`${point.where}: ${point.outcome}`, () => {
        const { session, events, marks } = found.get(point) ?? assert.fail('it was not looked at');
        const ends = session.turns.map(({ state, error }: Json) => (state === 'error' ? error.code : state));
        const expected = (point.ends ?? session.turns.map(() => 'completed')).map((end: string) =>
          end === 'interrupted' ? code : end,
        );
        assert.deepEqual(ends, expected, JSON.stringify(session.turns.map(({ error }: Json) => error)));
        const continued = events.filter(({ data }) => data.phase === 'continued');
        const by = continued.map(({ data }) => data.continued_by);
        if (point.by !== 'any') assert.deepEqual(by, point.by === null ? [] : [point.by]);
        assert.equal(marks, point.marks ?? '');
        if (point.text !== undefined) assert.match(session.turns[0].result.text, point.text);
        for (const { turn_id } of session.turns.filter(({ steered_into }: Json) => steered_into === null)) {
          const ends = events.filter((event) => event.turn_id === turn_id && event.data.phase === 'ended');
          assert.equal(ends.length, 1, `turn ${turn_id} ends once`);
        }
      });
    }
  });
}

describe('the table of docs/durability.md', () => {
  it('is the one that is tested', async () => {
    const page = await readFile(new URL('../../../docs/durability.md', import.meta.url), 'utf8');
    for (const { where, outcome } of cutPoints)
      assert.ok(page.includes(`| ${where} | ${outcome} |`), `| ${where} | ${outcome} |`);
  });
});
