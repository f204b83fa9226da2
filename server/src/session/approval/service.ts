import type { Kysely, Transaction } from 'kysely';
import { z } from 'zod';
import type { Database } from '../../ground/db/database.ts';
import { AppError } from '../../ground/errors.ts';
import type { Asked, Identity } from '../../ground/identity.ts';
import { isUuid } from '../../ground/ids.ts';
import { commit } from '../commit.ts';
import type { Signal } from '../event/bus.ts';
import { recordWaiting } from '../lifecycle.ts';
import { type SessionServices, wakeWorker } from '../service.ts';
import type { Grant, SessionOptions } from '../session.ts';
import {
  lockSession,
  lockWholeSession,
  type SessionRow,
  type SessionState,
  updateGrants,
  updateOptions,
} from '../store.ts';
import type { ApprovalAnswer, ApprovalKind, ApprovalView } from './approval.ts';
import { addGrants, grantOfCall } from './grants.ts';
import { closeApproval, toApprovalView } from './lifecycle.ts';
import { requireGivableMode, requireGivableRules } from './rules.ts';
import {
  type ApprovalEnd,
  type ApprovalKey,
  type ApprovalPage,
  type ApprovalRow,
  findApproval,
  listApprovals,
  listPending,
  lockOverdue,
} from './store.ts';

type Trx = Transaction<Database>;
type AskerServices = Pick<SessionServices, 'db' | 'bus' | 'queue'>;

/** The key of the approval that a request names in its path; what is no UUID names none. */
export function approvalKey({ identity, params }: Asked<{ approval_id: string }>): ApprovalKey {
  const { approval_id: id } = params;
  if (!isUuid(id)) throwNotFound(id);
  return { tenantId: identity.tenantId, id: id.toLowerCase() };
}

export async function getApproval(db: Kysely<Database>, key: ApprovalKey): Promise<ApprovalView> {
  return toApprovalView((await findApproval(db, key)) ?? throwNotFound(key.id));
}

/** Newest first. `next` is the cursor of the page after this one, null on the last. */
export async function listApprovalPage(
  db: Kysely<Database>,
  page: ApprovalPage,
): Promise<{ approvals: ApprovalView[]; next: string | null }> {
  const { rows, isLast } = await listApprovals(db, page);
  return { approvals: rows.map(toApprovalView), next: isLast ? null : (rows.at(-1)?.id ?? null) };
}

/** Answers what an agent waits on. The first answer wins; it is durable when this resolves. */
export async function answerApproval(
  services: SessionServices,
  key: ApprovalKey,
  { answer, asker }: { answer: ApprovalAnswer; asker: Identity },
): Promise<ApprovalView> {
  return await commit(services, async (trx) => {
    const { approval, session } = await lockApproval(trx, key);
    if (approval.status !== 'pending') throw alreadyDecided(approval);
    requireKnownQuestions(approval, answer);
    requireUsableInput(approval, answer);
    const status = statusAfter(approval.kind, answer);
    requireGivable({ approval, session }, answer, asker);
    const end: ApprovalEnd = { status, answer, decidedBy: asker.name };
    const closed = await closeApproval(trx, approval.id, end);
    await rememberAnswer(trx, session, closed.approval);
    const events = await recordWaiting(trx, session, [closed.event]);
    return {
      events,
      signals: await wakeAsker(services, trx, session),
      value: toApprovalView(closed.approval),
    };
  });
}

/** Ends what nobody answered in time, each by itself, until there is no more of it or `signal` aborts. */
export async function expireApprovals(services: AskerServices, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await expireNext(services)));
}

/** @returns whether there was one, and nobody had its session locked */
async function expireNext(services: AskerServices): Promise<boolean> {
  return await commit(services, async (trx) => {
    const overdue = await lockOverdue(trx);
    const session =
      overdue && (await lockSession(trx, { tenantId: overdue.tenant_id, id: overdue.session_id }));
    if (overdue === undefined || session === undefined) return { value: false };
    const closed = await closeApproval(trx, overdue.id, { status: 'expired', answer: null, decidedBy: null });
    const events = await recordWaiting(trx, session, [closed.event]);
    return { events, signals: await wakeAsker(services, trx, session), value: true };
  });
}

/** A parked session comes back when nothing is pending any more; an agent that waits is told. */
async function wakeAsker(services: AskerServices, trx: Trx, session: SessionState): Promise<Signal[]> {
  const told: Signal = { type: 'approval', sessionId: session.id };
  if (session.worker_id !== null || (await listPending(trx, session.id)).length > 0) return [told];
  return [told, await wakeWorker(services, trx, session)];
}

async function lockApproval(
  trx: Trx,
  key: ApprovalKey,
): Promise<{ approval: ApprovalRow; session: SessionRow }> {
  const found = (await findApproval(trx, key)) ?? throwNotFound(key.id);
  const session = await lockWholeSession(trx, { tenantId: key.tenantId, id: found.session_id });
  // Once more under the lock: somebody may have answered meanwhile.
  const approval = await findApproval(trx, key);
  if (session === undefined || approval === undefined) throwNotFound(key.id);
  return { approval, session };
}

/** Which answers fit which question. */
function statusAfter(kind: ApprovalKind, answer: ApprovalAnswer): ApprovalEnd['status'] {
  if ('decision' in answer && answer.decision === 'deny') return 'denied';
  if ('decision' in answer && (kind === 'tool' || kind === 'plan')) {
    if (kind === 'plan' && answer.scope === 'session') throw unfit('scope', 'a plan is approved once');
    if (kind === 'tool' && answer.permission_mode !== undefined)
      throw unfit('permission_mode', 'goes with the approval of a plan');
    return 'allowed';
  }
  if ('answers' in answer && kind === 'question') return 'answered';
  if ('result' in answer && kind === 'client_tool') return 'answered';
  const expected: Record<ApprovalKind, string> = {
    tool: '{"decision": "allow"} or {"decision": "deny"}',
    plan: '{"decision": "allow"} or {"decision": "deny"}',
    question: '{"answers": {"<question>": "<answer>"}} or {"decision": "deny"}',
    client_tool: '{"result": {"content": "…"}} or {"decision": "deny"}',
  };
  throw unfit(
    Object.keys(answer)[0] ?? '',
    `does not fit an approval of kind "${kind}": expected ${expected[kind]}`,
  );
}

const questions = z.object({ questions: z.array(z.object({ question: z.string() })) });

function requireKnownQuestions(approval: ApprovalRow, answer: ApprovalAnswer): void {
  if (!('answers' in answer)) return;
  const asked = questions.safeParse(approval.input).data?.questions.map(({ question }) => question) ?? [];
  const unknown = Object.keys(answer.answers).find((question) => !asked.includes(question));
  if (unknown !== undefined)
    throw unfit(`answers.${unknown}`, `was not asked; asked was: ${asked.join(' · ')}`);
  const missing = asked.filter((question) => answer.answers[question] === undefined);
  if (missing.length > 0) throw unfit('answers', `has no answer to: ${missing.join(' · ')}`);
}

/** The agent program takes an empty input for none, and would make the call as the model wrote it. */
function requireUsableInput({ input }: ApprovalRow, answer: ApprovalAnswer): void {
  if (!('decision' in answer) || answer.decision !== 'allow' || answer.updated_input === undefined) return;
  if (Object.keys(answer.updated_input).length > 0 || Object.keys(input).length === 0) return;
  throw unfit('updated_input', 'must have something in it: the agent cannot make the call with no input');
}

/** What is given for longer than this call must be the asker's to give. */
function requireGivable(
  { approval, session: { options } }: { approval: ApprovalRow; session: SessionRow },
  answer: ApprovalAnswer,
  asker: Identity,
): void {
  if (!('decision' in answer) || answer.decision !== 'allow') return;
  const given = { rules: answer.rules ?? [], suggested: approval.details.rules };
  requireGivableRules(given, { options, asker });
  requireGivableMode(answer.permission_mode, asker);
}

function unfit(field: string, message: string): AppError {
  return new AppError('invalid_request', `${field}: ${message}`, { errors: [{ field, message }] });
}

/** What holds for the rest of the session: kept by us, since the workspace is the agent's. */
async function rememberAnswer(trx: Trx, session: SessionRow, approval: ApprovalRow): Promise<void> {
  const { answer } = approval;
  if (answer === null || !('decision' in answer) || answer.decision !== 'allow') return;
  if (approval.kind === 'plan') {
    const options: SessionOptions = {
      ...session.options,
      permission_mode: answer.permission_mode ?? 'default',
    };
    await updateOptions(trx, session.id, options);
  }
  if (answer.scope !== 'session') return;
  // The very same call as well: the agent program's rules do not cover where a command writes to.
  const by = {
    approval_id: approval.id,
    ...(approval.decided_by === null ? {} : { decided_by: approval.decided_by }),
    ...(approval.decided_at === null ? {} : { granted_at: approval.decided_at.toISOString() }),
  };
  const rules = answer.rules ?? approval.details.rules;
  const grants: Grant[] = [
    ...rules.map((rule) => ({ rule, ...by })),
    { ...grantOfCall({ tool: approval.tool_name, input: approval.input }), ...by },
  ];
  await updateGrants(trx, session.id, addGrants(session.grants, grants));
}

function alreadyDecided(approval: ApprovalRow): AppError {
  const who = approval.decided_by === null ? '' : ` by ${approval.decided_by}`;
  const when = approval.decided_at === null ? '' : ` at ${approval.decided_at.toISOString()}`;
  const over = approval.status === 'expired' || approval.status === 'withdrawn';
  const what = approval.status === 'expired' ? 'has expired' : `was ${approval.status}${who}`;
  return new AppError('approval_decided', `The approval ${what}${when}.`, {
    hint: over ? 'nobody waits for the answer any more' : 'the first answer wins; GET it to see what it was',
  });
}

function throwNotFound(id: string): never {
  throw new AppError('not_found', `Approval ${id} not found`);
}
