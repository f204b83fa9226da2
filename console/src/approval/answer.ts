import type { Approval, Approvals } from '@greenroom/client';

/** What a person answers. */
export type Answer =
  | { act: 'allow'; updated_input?: Record<string, unknown>; permission_mode?: 'default' | 'acceptEdits' }
  | { act: 'allowForSession'; rules: readonly string[] }
  | { act: 'deny'; message?: string; interrupt?: boolean }
  | { act: 'answer'; answers: Record<string, string | string[]> }
  | { act: 'result'; content: string; is_error: boolean };

/** What came of sending one. */
export type Delivery =
  | 'sent'
  /** Somebody was first, or nobody waits any more. */
  | 'decided'
  | 'gone'
  /** The server says no, and nothing was decided: it can be put right. */
  | 'refused'
  /** Nobody knows whether it arrived: only the very same may be sent again. */
  | 'unsent';

export async function sendAnswer(approvals: Approvals, id: string, answer: Answer): Promise<Approval> {
  switch (answer.act) {
    case 'allow': {
      const { act, ...fields } = answer;
      return await approvals.allow(id, fields);
    }
    case 'allowForSession': {
      const fields = { scope: 'session' as const, rules: [...answer.rules] };
      return await approvals.allow(id, fields);
    }
    case 'deny': {
      const { act, ...fields } = answer;
      return await approvals.deny(id, fields);
    }
    case 'answer':
      return await approvals.answer(id, answer.answers);
    case 'result':
      return await approvals.result(id, { content: answer.content, is_error: answer.is_error });
    default:
      return answer satisfies never;
  }
}

/** A connection that broke says nothing about whether the request arrived, and a server that failed neither. */
export function deliveryOf({ status, code }: { status?: number; code?: string }): Delivery {
  if (status === undefined || status >= 500 || code === 'unexpected_answer') return 'unsent';
  // Not let in: nothing arrived, and it can be sent once that is put right.
  if (status === 401 || status === 408 || status === 429) return 'unsent';
  if (status === 404) return 'gone';
  return code === 'approval_decided' ? 'decided' : 'refused';
}

/** Whether what was decided is what was sent from here: its confirmation got lost on the way. */
export function isOwnAnswer(approval: Approval, answer: Answer, name: string | undefined): boolean {
  if (approval.answer === null || approval.decided_by !== name) return false;
  const wanted = toBody(answer);
  const stored = approval.answer;
  return Object.entries(wanted).every(([field, value]) => isEqual(stored[field], value));
}

/** The fields that the server keeps of it. */
function toBody(answer: Answer): Record<string, unknown> {
  switch (answer.act) {
    case 'allow': {
      const { updated_input, permission_mode } = answer;
      return { decision: 'allow', scope: 'once', updated_input, permission_mode };
    }
    case 'allowForSession':
      return { decision: 'allow', scope: 'session', rules: answer.rules };
    case 'deny':
      return { decision: 'deny', message: answer.message, interrupt: answer.interrupt ?? false };
    case 'answer':
      return { answers: answer.answers };
    case 'result':
      return { result: { content: answer.content, is_error: answer.is_error } };
    default:
      return answer satisfies never;
  }
}

/** Of JSON, whatever order PostgreSQL keeps its fields in. */
function isEqual(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return Object.is(a, b);
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) =>
    isEqual((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]),
  );
}
