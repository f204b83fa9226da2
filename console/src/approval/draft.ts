import type { Approval } from '@greenroom/client';
import { KeyedStore, useKeyed } from '../util/keyed-store.ts';
import { remember, remembered, rememberedKeys } from '../util/remembered.ts';
import type { Answer } from './answer.ts';
import type { Choice } from './question.ts';

/** What somebody has begun to answer: kept over a reload, until the approval is decided. */
export type Draft = {
  form: 'none' | 'session' | 'input';
  /** Of a denial, or comments on a plan. */
  reason: string;
  endsTurn: boolean;
  /** Null is what the program suggests. */
  rules: readonly string[] | null;
  /** The edited input, as text; null is not begun. */
  input: string | null;
  choices: readonly Choice[];
  result: string;
  isError: boolean;
  /** Was sent, and nobody knows whether it arrived. */
  unsent: Answer | null;
};

export const emptyDraft: Draft = {
  form: 'none',
  reason: '',
  endsTurn: false,
  rules: null,
  input: null,
  choices: [],
  result: '',
  isError: false,
  unsent: null,
};

const PREFIX = 'greenroom.approval.';
/** More is kept while the page is open, and not over a reload: storage is small. */
const MAX_KEPT = 200_000;

type Kept = { until: string; draft: Draft };

const drafts = new KeyedStore<Draft>();
/** As storage had it when the page first asked. */
const found = new Map<string, Draft>();

export function readDraft(id: string): Draft {
  return drafts.get(id) ?? found.get(id) ?? findDraft(id);
}

function findDraft(id: string): Draft {
  const kept = remembered<Partial<Kept>>(PREFIX + id);
  const draft = { ...emptyDraft, ...kept?.draft };
  found.set(id, draft);
  return draft;
}

type Dated = Pick<Approval, 'approval_id' | 'expires_at'>;

export function changeDraft({ approval_id: id, expires_at: until }: Dated, change: Partial<Draft>): void {
  const draft = { ...readDraft(id), ...change };
  drafts.set(id, draft);
  const size = draft.reason.length + (draft.input?.length ?? 0) + draft.result.length;
  const isKept = size <= MAX_KEPT && JSON.stringify(draft) !== JSON.stringify(emptyDraft);
  remember(PREFIX + id, isKept ? ({ until, draft } satisfies Kept) : null);
}

export function forgetDraft(id: string): void {
  remember(PREFIX + id, null);
  found.delete(id);
  drafts.set(id, undefined);
}

export function useDraft(id: string): Draft {
  return useKeyed(drafts, id) ?? readDraft(id);
}

/** The words in it that would be a pity to lose. */
export function wordsOf({ reason, result, input, choices, unsent }: Draft): string {
  const own = choices.flatMap(({ other }) => other ?? []);
  const sent = unsent?.act === 'deny' ? [unsent.message ?? ''] : [];
  const words = [reason, result, input ?? '', ...own, ...sent].map((text) => text.trim());
  return [...new Set(words)].filter((text) => text !== '').join('\n\n');
}

/** What was decided while this browser was away leaves drafts behind: they go with the time that the approval had. */
export function forgetOldDrafts(now: number): void {
  for (const key of rememberedKeys(PREFIX)) {
    const until = Date.parse(remembered<Partial<Kept>>(key)?.until ?? '');
    if (!(until > now)) remember(key, null);
  }
}
