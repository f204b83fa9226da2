import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { commit } from './commit.ts';
import { recordGrantRemoval } from './lifecycle.ts';
import { type SessionServices, throwNotFound } from './service.ts';
import type { Grant } from './session.ts';
import { lockSession, type SessionKey, updateGrants } from './store.ts';

const MAX_INPUT_CHARACTERS = 2_000;

// The session's row has them all, and is read with every event of its turns.
const MAX_GRANTS = 500;
const MAX_GRANTS_CHARACTERS = 1_000_000;

/** What was allowed for the rest of a session: calls that a rule covers, or exactly one call. */
export const grantView = z
  .object({
    grant_id: z.string(),
    rule: z.string().nullable().describe('Such as `Bash(npm test *)`; null is exactly one call.'),
    tool_name: z.string().nullable(),
    input: z
      .record(z.string(), z.unknown())
      .nullable()
      .describe('Of that call; null where it is long: its approval has it.'),
    approval_id: z.string().nullable(),
    decided_by: z.string().nullable(),
    granted_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Grant' });
export type GrantView = z.infer<typeof grantView>;

/** The same in whatever session, and however often it was granted. */
export function grantId(grant: Grant): string {
  const what = 'rule' in grant ? [grant.rule] : [grant.tool, grant.input];
  return createHash('sha256').update(JSON.stringify(what)).digest('hex').slice(0, 16);
}

/** The agent program knows rules; single calls are looked up when it asks. */
export function grantedRules({ grants }: { grants: readonly Grant[] }): string[] {
  return grants.flatMap((grant) => ('rule' in grant ? [grant.rule] : []));
}

/** The newest that there is room for: what an older one allowed is asked for again. */
export function addGrants(known: readonly Grant[], added: readonly Grant[]): Grant[] {
  const byId = new Map([...known, ...added].toReversed().map((grant) => [grantId(grant), grant]));
  let room = MAX_GRANTS_CHARACTERS;
  const kept = [...byId.values()].slice(0, MAX_GRANTS).filter((grant) => {
    const size = JSON.stringify(grant).length;
    if (size > room) return false;
    room -= size;
    return true;
  });
  return kept.toReversed();
}

export function toGrantView(grant: Grant): GrantView {
  const { approval_id = null, decided_by = null, granted_at = null } = grant;
  const by = { grant_id: grantId(grant), approval_id, decided_by, granted_at };
  if ('rule' in grant) return { ...by, rule: grant.rule, tool_name: null, input: null };
  const isShort = JSON.stringify(grant.input).length <= MAX_INPUT_CHARACTERS;
  return { ...by, rule: null, tool_name: grant.tool, input: isShort ? grant.input : null };
}

/** Calls like it are asked for again, from the next on, also by an agent that is at work. @returns what it was */
export async function removeGrant(
  services: SessionServices,
  key: SessionKey,
  id: string,
): Promise<GrantView> {
  return await commit(services, async (trx) => {
    const session = (await lockSession(trx, key)) ?? throwNotFound(key.id);
    const grant = session.grants.find((one) => grantId(one) === id);
    if (grant === undefined) throw new AppError('not_found', `Session ${key.id} has no grant ${id}`);
    await updateGrants(
      trx,
      key.id,
      session.grants.filter((one) => one !== grant),
    );
    const events = await recordGrantRemoval(trx, session, id);
    return { events, signals: [{ type: 'options', sessionId: key.id }], value: toGrantView(grant) };
  });
}
