import { sql } from 'kysely';
import type { TestServer } from '../../../server/test/support/harness.ts';

/*
 * What an agent's program could say, were the agent, its tools or a later version out to break the page: written into a
 * session's log as the server keeps it.
 */

export type Message = Record<string, unknown>;

/** Behind all that the session has; of no turn, so that nothing folds them away. */
export async function appendMessages(
  { context }: TestServer,
  sessionId: string,
  messages: readonly Message[],
): Promise<void> {
  const { db } = context.database;
  const { tenant_id, last_seq } = await db
    .selectFrom('sessions')
    .select(['tenant_id', 'last_seq'])
    .where('id', '=', sessionId)
    .executeTakeFirstOrThrow();
  const first = Number(last_seq) + 1;
  const rows = messages.map((message, index) => ({
    session_id: sessionId,
    seq: first + index,
    tenant_id,
    turn_id: null,
    kind: 'sdk' as const,
    data: JSON.stringify({ uuid: `hostile-${first + index}`, ...message }),
    at: new Date(),
  }));
  await db.insertInto('events').values(rows).execute();
  await sql`update sessions set last_seq = ${first + rows.length - 1} where id = ${sessionId}`.execute(db);
}

let calls = 0;

/** A call, and what came of it. */
export function call(
  name: unknown,
  input: unknown,
  result: { output?: unknown; details?: unknown; isError?: boolean } = {},
): Message[] {
  const id = `toolu_hostile_${++calls}`;
  const { output = 'done', details, isError = false } = result;
  return [
    assistant([{ type: 'tool_use', id, name, input }]),
    {
      type: 'user',
      parent_tool_use_id: null,
      message: {
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: id, content: output, is_error: isError }],
      },
      tool_use_result: details,
    },
  ];
}

export function assistant(content: readonly unknown[], parent: string | null = null): Message {
  return {
    type: 'assistant',
    parent_tool_use_id: parent,
    message: { id: `msg_hostile_${++calls}`, role: 'assistant', content },
  };
}

export function says(text: string): Message {
  return assistant([{ type: 'text', text }]);
}
