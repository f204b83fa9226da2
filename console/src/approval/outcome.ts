import type { Approval } from '@greenroom/client';
import { lineJson } from '../content/json-text.ts';
import type { Values, WordKey } from '../i18n/words.ts';

export type Outcome = { says: WordKey; values: Values; tone: 'done' | 'danger' | 'plain' };

/** What came of an approval, and through whom. */
export function describeOutcome({ status, kind, decided_by, answer }: Approval): Outcome {
  const values = { who: decided_by ?? '' };
  const isForSession = answer?.scope === 'session';
  const isEdited = answer?.updated_input !== undefined && answer.updated_input !== null;
  switch (status) {
    case 'pending':
      return { says: 'approval.outcome.pending', values, tone: 'plain' };
    case 'allowed':
      if (kind === 'plan') return { says: 'approval.outcome.accepted', values, tone: 'done' };
      if (isForSession) return { says: 'approval.outcome.allowedForSession', values, tone: 'done' };
      return {
        says: isEdited ? 'approval.outcome.allowedEdited' : 'approval.outcome.allowed',
        values,
        tone: 'done',
      };
    case 'denied':
      if (kind === 'plan') return { says: 'approval.outcome.sentBack', values, tone: 'danger' };
      if (kind === 'question') return { says: 'approval.outcome.skipped', values, tone: 'plain' };
      return { says: 'approval.outcome.denied', values, tone: 'danger' };
    case 'answered':
      return { says: 'approval.outcome.answered', values, tone: 'done' };
    case 'expired':
      return { says: 'approval.outcome.expired', values, tone: 'danger' };
    case 'withdrawn':
      return { says: 'approval.outcome.withdrawn', values, tone: 'plain' };
    default:
      return status satisfies never;
  }
}

/** The answer, as far as it is more than yes or no. */
export type AnswerDetails = {
  message: string | null;
  hasEndedTurn: boolean;
  rules: readonly string[];
  input: Readonly<Record<string, unknown>> | null;
  answers: readonly (readonly [string, readonly string[]])[];
  result: string | null;
  permissionMode: string | null;
};

export function readDetails({ answer, rules }: Pick<Approval, 'answer' | 'rules'>): AnswerDetails {
  const { decision, scope, message, interrupt, updated_input, rules: edited, answers, result } = answer ?? {};
  const isForSession = decision === 'allow' && scope === 'session';
  return {
    message: asText(message),
    hasEndedTurn: interrupt === true,
    // What was suggested holds unless something else was said.
    rules: isForSession ? asTexts(edited ?? rules) : [],
    input: asObject(updated_input),
    answers: Object.entries(asObject(answers) ?? {}).map(([question, given]) => [question, asTexts(given)]),
    result: readResult(asObject(result)?.content),
    permissionMode: asText(answer?.permission_mode),
  };
}

export function hasDetails(approval: Pick<Approval, 'answer' | 'rules'>): boolean {
  return Object.values(readDetails(approval)).some((part) =>
    Array.isArray(part) ? part.length > 0 : part !== null && part !== false,
  );
}

function readResult(content: unknown): string | null {
  return content === undefined ? null : (asText(content) ?? lineJson(content));
}

function asText(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function asTexts(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((text) => typeof text === 'string');
}

function asObject(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
}
