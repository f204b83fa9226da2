import { setImmediate as immediate } from 'node:timers/promises';
import type { SessionKey, SessionStore, SessionStoreEntry } from '@anthropic-ai/claude-agent-sdk';
import { type Kysely, sql } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { retryWhileUnavailable } from '../../ground/db/retry.ts';
import { isUuid } from '../../ground/ids.ts';
import { forAtMost, unlessAborted } from '../../ground/util/waiting.ts';

/** After 60 s the SDK would say that entries were lost, which are still on their way. */
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
 *
 * What is stored is the beginning of what the program wrote, with nothing missing in it: an entry names the one before it,
 * and a conversation with a hole would be read from the hole on. So nothing is stored after what could not be; `append`
 * rejects then, and only then.
 */
export function createTranscriptStore({ db, sessionId, fence, failed }: TranscriptScope): TranscriptStore {
  let isSealed = false;
  let appending = Promise.resolve();
  const settled = async (): Promise<void> => await appending.catch(() => {}); // its own caller is told
  return {
    async flush(): Promise<void> {
      // The SDK hands on one entry after the other.
      let last: Promise<void>;
      do {
        last = appending;
        await settled();
        await immediate();
      } while (last !== appending);
    },

    async seal(): Promise<void> {
      isSealed = true;
      await settled();
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
      const store = async (): Promise<void> => {
        // What came before was given up, though the fence may still be the newest.
        if (failed.aborted) return;
        const stored = retryWhileUnavailable(async () => await insert.execute(db), failed);
        await unlessAborted(stored, failed).catch((error: unknown) => {
          // Nothing can be written with this fence any more, and nobody reads what is.
          if (!failed.aborted) throw error;
        });
      };
      appending = appending.then(store);
      appending.catch(() => {}); // told below, where it is still waited for
      await forAtMost(APPEND_PATIENCE_MS, appending);
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
