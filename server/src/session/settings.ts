import { isDeepStrictEqual } from 'node:util';
import { sql } from 'kysely';
import { z } from 'zod';
import type { Identity } from '../ground/identity.ts';
import { commit } from './commit.ts';
import { requireBypass } from './options/bypass.ts';
import { nullishFields, type SessionOptionName, sessionOptionFields } from './options/fields.ts';
import { withSecrets } from './options/secrets.ts';
import { getSessionDetail, type SessionDetail, type SessionServices, throwNotFound } from './service.ts';
import { labelFields, type SessionOptions } from './session.ts';
import { lockWholeSession, optionColumns, type SessionKey } from './store.ts';

/** `PATCH /sessions/{session_id}`: a field that is left out stays, one that is null, and an option that is blank, is removed. */
export const settingsRequest = z
  .strictObject({
    ...nullishFields({ ...sessionOptionFields, ...labelFields }),
    archived: z
      .boolean()
      .optional()
      .describe('Out of the usual lists, for everybody. The next message brings it back.'),
  })
  .meta({ id: 'SettingsRequest', examples: [{ model: 'haiku' }, { max_budget_usd: 2.5, title: null }] });
export type SettingsRequest = z.infer<typeof settingsRequest>;

export type SettingsChange = {
  labels: Pick<SettingsRequest, 'title' | 'metadata' | 'max_budget_usd' | 'archived'>;
  options: SessionOptions;
  removed: readonly SessionOptionName[];
  asker: Identity;
};

/**
 * Changes a session's settings. Model and permission mode reach an agent that is at work; other options hold from its
 * next turn on.
 */
export async function changeSettings(
  services: SessionServices,
  key: SessionKey,
  { labels, options, removed, asker }: SettingsChange,
): Promise<SessionDetail> {
  await commit(services, async (trx) => {
    const session = (await lockWholeSession(trx, key)) ?? throwNotFound(key.id);
    const after = { ...session.options, ...withSecrets(options, session.options) };
    for (const name of removed) delete after[name];
    // A system prompt says something, too.
    if (!isDeepStrictEqual(after, session.options)) requireBypass(after, asker);
    await trx
      .updateTable('sessions')
      .set({
        ...optionColumns(after),
        ...(labels.title === undefined ? {} : { title: labels.title }),
        ...(labels.metadata === undefined ? {} : { metadata: JSON.stringify(labels.metadata ?? {}) }),
        ...(labels.max_budget_usd === undefined ? {} : { max_budget_usd: labels.max_budget_usd }),
        ...(labels.archived === undefined ? {} : { is_archived: labels.archived }),
        // Under the lock: later than the event before it, and by the same clock.
        updated_at: sql<Date>`clock_timestamp()`,
      })
      .where('id', '=', key.id)
      .execute();
    return { signals: [{ type: 'options', sessionId: key.id }], value: undefined };
  });
  return await getSessionDetail(services, key);
}
