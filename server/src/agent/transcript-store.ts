import { setImmediate as immediate } from 'node:timers/promises';
import type { SessionKey, SessionStore, SessionStoreEntry } from '@anthropic-ai/claude-agent-sdk';
import { type Kysely, sql } from 'kysely';
import type { Database } from '../db/database.ts';
import { retryWhileUnavailable } from '../db/retry.ts';
import { isUuid } from '../ids.ts';
import { unlessAborted } from '../util/waiting.ts';

/** Less than the 60 s after which the SDK stops waiting. */
const APPEND_PATIENCE_MS = 45_000;

/**
 * One activation's view of the transcripts: it writes only while its fence is the session's newest, and waits for nothing
 * any more once `failed` aborts.
 */
export type TranscriptScope = {
  db: Kysely<Database>;
  sessionId: string;
  fence: number;
  failed: AbortSignal;
};

export type TranscriptStore = SessionStore & {
  /** Resolves when all that the process has noted is stored. For one that has ended: then no more comes. */
  flush(): Promise<void>;
  /**
   * For a process that is ended in the middle of a call: what it notes of its own end is not kept. Resolves when all that
   * it noted before is stored.
   */
  seal(): Promise<void>;
};

/**
 * The SDK's session store on PostgreSQL. The agent program mirrors its transcript here as it writes it, and a resume
 * is made from it, on any node. Keyed by our session alone: the SDK's project key depends on the working directory.
 */
export function createTranscriptStore({ db, sessionId, fence, failed }: TranscriptScope): TranscriptStore {
  let isSealed = false;
  const appending = new Set<Promise<unknown>>();
  return {
    async flush(): Promise<void> {
      // The SDK hands on one entry after the other.
      do {
        await Promise.allSettled(appending);
        await immediate();
      } while (appending.size > 0);
    },

    async seal(): Promise<void> {
      isSealed = true;
      await Promise.allSettled(appending);
    },

    async append(key: SessionKey, entries: SessionStoreEntry[]): Promise<void> {
      if (entries.length === 0 || isSealed) return;
      // Entries with a uuid may come twice (the SDK repeats a failed append); those without are always new.
      const insert = sql`
        insert into transcripts (session_id, tenant_id, subpath, type, entry_uuid, entry)
        select sessions.id, sessions.tenant_id, ${key.subpath ?? ''}, input.type, input.uuid::uuid,
          input.entry::json
        from unnest(
          ${entries.map((entry) => entry.type)}::text[],
          ${entries.map((entry) => uuidOf(entry))}::text[],
          ${entries.map((entry) => JSON.stringify(entry))}::text[]
        ) with ordinality as input (type, uuid, entry, n)
        join sessions on sessions.id = ${sessionId} and sessions.fence = ${fence}
        order by input.n
        on conflict (session_id, subpath, entry_uuid) do nothing
      `;
      // The SDK gives up soon and then drops the entries, which would tear the conversation.
      const over = AbortSignal.any([failed, AbortSignal.timeout(APPEND_PATIENCE_MS)]);
      const append = unlessAborted(
        retryWhileUnavailable(async () => await insert.execute(db), over),
        over,
      );
      appending.add(append);
      await append.finally(() => appending.delete(append));
    },

    async load(key: SessionKey): Promise<SessionStoreEntry[] | null> {
      const rows = await retryWhileUnavailable(
        async () =>
          await db
            .selectFrom('transcripts')
            .select('entry')
            .where('session_id', '=', sessionId)
            .where('subpath', '=', key.subpath ?? '')
            .orderBy('id')
            .execute(),
        failed,
      );
      return rows.length === 0 ? null : rows.map((row) => row.entry as SessionStoreEntry);
    },

    async listSubkeys(): Promise<string[]> {
      const rows = await retryWhileUnavailable(
        async () =>
          await db
            .selectFrom('transcripts')
            .select('subpath')
            .distinct()
            .where('session_id', '=', sessionId)
            .where('subpath', '!=', '')
            .execute(),
        failed,
      );
      return rows.map((row) => row.subpath);
    },
  };
}

/**
 * Whether there is anything to resume. A process that died early may have left entries, but none of a conversation:
 * the agent program does not resume from those.
 */
export async function hasConversation(db: Kysely<Database>, sessionId: string): Promise<boolean> {
  const row = await db
    .selectFrom('transcripts')
    .select('id')
    .where('session_id', '=', sessionId)
    .where('subpath', '=', '')
    .where('type', 'in', ['user', 'assistant'])
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

function uuidOf(entry: SessionStoreEntry): string | null {
  return typeof entry.uuid === 'string' && isUuid(entry.uuid) ? entry.uuid : null;
}
