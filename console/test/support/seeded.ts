import { randomUUIDv7 } from 'node:crypto';
import { sql } from 'kysely';
import type { TestServer } from '../../../server/test/support/harness.ts';
import { edit, inOrder, run, say, think, use, write } from './demo-prompts.ts';
import { repeatHistory } from './repeated-history.ts';

/*
 * Sessions as the demo model makes them, and many or long ones that are copied from those, row by row: so they have the
 * shape that the server gives them, whatever it is.
 */

/** Runs the prompts one after the other in one session. */
export async function runTurns(
  server: TestServer,
  prompts: readonly string[],
  options: object = {},
): Promise<string> {
  const [first = 'hello', ...others] = prompts;
  const sessionId = await server.execute({ prompt: first, ...options });
  await server.ended(sessionId);
  for (const prompt of others) {
    await server.execute({ prompt, resume_session_id: sessionId });
    await server.ended(sessionId);
  }
  return sessionId;
}

const ENDED = ['completed', 'completed', 'completed', 'error', 'cancelled'];

/** So many sessions that have ended, beside the one that they are copies of. Their titles are `Session 1` and so on. */
export async function seedSessions(server: TestServer, count: number): Promise<void> {
  const original = await runTurns(server, ['hello']);
  // Those of one millisecond are in no order.
  const ids = Array.from({ length: count }, () => randomUUIDv7()).toSorted();
  const changes = ids.map((id, index) => ({
    id,
    title: `Session ${index + 1}`,
    status: ENDED[index % ENDED.length],
    metadata: { project: `project-${index % 7}` },
  }));
  await sql`
    insert into sessions
    select (jsonb_populate_record(original, change)).*
    from sessions as original, jsonb_array_elements(${JSON.stringify(changes)}::jsonb) as change
    where original.id = ${original}`.execute(server.context.database.db);
}

/** A session of at least so many events: thoughts, commands with colours, files written and edited, searches, Markdown. */
export async function seedLongSession(server: TestServer, events: number): Promise<string> {
  const sessionId = await runTurns(server, MIXED_TURNS, {
    title: 'A long session',
    allowed_tools: ['Bash', 'Write', 'Edit', 'Read', 'Grep', 'Glob'],
  });
  await repeatHistory(server.context.database.db, { sessionId, events });
  return sessionId;
}

const COLOURS = String.raw`for i in 1 2 3 4 5 6 7; do printf '\033[3%dmline %d\033[0m of the output\n' $i $i; done`;

/** Without brackets, which would end the directive that has the demo model say it. */
const MARKDOWN = `## What was done

The **queue** now keeps its order: \`enqueue()\` takes the place that it is given.

| case | before | after |
| --- | --- | --- |
| empty | 3 ms | 2 ms |
| full | 41 ms | 8 ms |

1. a first point
2. a second point, with _emphasis_

\`\`\`ts
export function place(queue: Iterable<string>, item: string): number {
  return Array.from(queue).indexOf(item);
}
\`\`\`
`;

const MIXED_TURNS = [
  think(run(COLOURS)),
  inOrder(
    write('src/queue.ts', "export const queue = new Set('one', 'two', 'three');"),
    edit('src/queue.ts', { replace: 'two', by: 'second' }),
  ),
  say(MARKDOWN),
  inOrder(
    use('Grep', { pattern: 'queue', output_mode: 'content' }),
    use('Glob', { pattern: '**/*.ts' }),
    'read src/queue.ts',
  ),
];
