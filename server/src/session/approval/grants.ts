import { hash } from 'node:crypto';
import { z } from 'zod';
import { AppError } from '../../ground/errors.ts';
import { commit } from '../commit.ts';
import { recordGrantRemoval } from '../lifecycle.ts';
import { type SessionServices, throwNotFound } from '../service.ts';
import type { Grant } from '../session.ts';
import { lockWholeSession, type SessionKey, updateGrants } from '../store.ts';

const MAX_INPUT_CHARACTERS = 2_000;

// The session's row has them all.
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

type Call = { tool: string; input: Record<string, unknown> };
type CallGrant = Exclude<Grant, { rule: string }>;

/** Two calls that are the same have the same. The model words the description of a command anew each time. */
export function hashCall({ tool, input }: Call): string {
  const { description, ...rest } = input;
  const said = tool === 'Bash' ? rest : input;
  return hash('sha256', JSON.stringify([tool, said], withSortedKeys));
}

function withSortedKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const names = Object.keys(value).sort();
  // As entries: an object would put names that are numbers first, and lose `__proto__`.
  return { entries: names.map((name) => [name, (value as Record<string, unknown>)[name]]) };
}

/** One call, with as much of it as is shown: what was allowed is found by its hash. */
export function grantOfCall(call: Call): CallGrant {
  const isShort = JSON.stringify(call.input).length <= MAX_INPUT_CHARACTERS;
  return { tool: call.tool, call: hashCall(call), ...(isShort ? { input: call.input } : {}) };
}

/** The same in whatever session, and however often it was granted. */
export function grantId(grant: Grant): string {
  return ('rule' in grant ? hash('sha256', JSON.stringify([grant.rule])) : callOf(grant)).slice(0, 16);
}

function callOf({ tool, call, input = {} }: CallGrant): string {
  return call ?? hashCall({ tool, input });
}

/** Whether exactly this call was allowed. */
export function coversCall(grants: readonly Grant[], call: Call): boolean {
  const wanted = hashCall(call);
  return grants.some((grant) => 'tool' in grant && callOf(grant) === wanted);
}

/** The agent program knows rules; single calls are looked up when it asks. */
export function grantedRules({ grants }: { grants: readonly Grant[] }): string[] {
  return grants.flatMap((grant) => ('rule' in grant ? [grant.rule] : []));
}

/** The newest that there is room for: what an older one allowed is asked for again. */
export function addGrants(known: readonly Grant[], added: readonly Grant[]): Grant[] {
  const short = [...known, ...added].map((grant) => ('rule' in grant ? grant : shorten(grant)));
  const byId = new Map(short.toReversed().map((grant) => [grantId(grant), grant]));
  let room = MAX_GRANTS_CHARACTERS;
  const kept = [...byId.values()].slice(0, MAX_GRANTS).filter((grant) => {
    const size = JSON.stringify(grant).length;
    if (size > room) return false;
    room -= size;
    return true;
  });
  return kept.toReversed();
}

/** One from before there were hashes. */
function shorten(grant: CallGrant): CallGrant {
  if (grant.call !== undefined) return grant;
  const { tool, input = {}, ...by } = grant;
  return { ...by, ...grantOfCall({ tool, input }) };
}

export function toGrantView(grant: Grant): GrantView {
  const { approval_id = null, decided_by = null, granted_at = null } = grant;
  const by = { grant_id: grantId(grant), approval_id, decided_by, granted_at };
  if ('rule' in grant) return { ...by, rule: grant.rule, tool_name: null, input: null };
  const { tool, input = null } = shorten(grant);
  return { ...by, rule: null, tool_name: tool, input };
}

/** Calls like it are asked for again, from the next on, also by an agent that is at work. @returns what it was */
export async function removeGrant(
  services: SessionServices,
  key: SessionKey,
  id: string,
): Promise<GrantView> {
  return await commit(services, async (trx) => {
    const session = (await lockWholeSession(trx, key)) ?? throwNotFound(key.id);
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
