import type { TranscriptItem, TurnEndItem } from '../log/item.ts';

/** One row of what is shown: an item, or what a finished turn's steps are folded behind. */
export type Row =
  | { kind: 'item'; key: string }
  | {
      kind: 'fold';
      key: string;
      turnId: string;
      isOpen: boolean;
      /** How many rows it hides, or would. */
      steps: number;
      failed: number;
      endKey: string;
    };

export type FoldChoice = (turnId: string, endedAtSeq: number) => boolean;

/**
 * The rows of a list. A finished turn shows its prompt, one row for all that was done, and its last words; `isOpen` says
 * of which turns everything is shown. What goes wrong at a turn's end is shown in any case.
 */
export function toRows(
  keys: readonly string[],
  find: (key: string) => TranscriptItem | undefined,
  isOpen: FoldChoice,
): Row[] {
  const rows: Row[] = [];
  let turn: TranscriptItem[] = [];
  for (const key of keys) {
    const item = find(key);
    if (item === undefined) continue;
    // Those that wait for a person are shown where they are answered.
    if (item.kind === 'approval' && item.approval.status === 'pending') continue;
    if (item.kind === 'prompt' && item.state !== 'steered') {
      rows.push(...turn.map(toRow));
      turn = [];
    }
    if (item.kind === 'turn_end') {
      rows.push(...foldTurn(turn, item, isOpen));
      turn = [];
    } else turn.push(item);
  }
  rows.push(...turn.map(toRow));
  return rows;
}

function foldTurn(items: readonly TranscriptItem[], end: TurnEndItem, isOpen: FoldChoice): Row[] {
  const answerFrom = items.findLastIndex((item) => item.kind !== 'text') + 1;
  const answer = items.slice(answerFrom);
  const [before, steps] = split(items.slice(0, answerFrom));
  const endRow = end.state === 'completed' ? [] : [toRow(end)];
  if (steps.length === 0) return [...before, ...answer].map(toRow).concat(toRow(end));
  const turnId = end.turnId ?? end.key;
  const fold: Row = {
    kind: 'fold',
    key: `turn:${turnId}`,
    turnId,
    isOpen: isOpen(turnId, end.seq ?? 0),
    steps: steps.length,
    failed: steps.filter((item) => item.kind === 'tool' && item.call.state === 'failed').length,
    endKey: end.key,
  };
  const shown = fold.isOpen ? steps : steps.filter(isAlwaysShown);
  return [...before.map(toRow), fold, ...shown.map(toRow), ...answer.map(toRow), ...endRow];
}

/** What was asked, and what was done about it. */
function split(items: readonly TranscriptItem[]): [TranscriptItem[], TranscriptItem[]] {
  const from = items.findIndex((item) => item.kind !== 'prompt');
  return from === -1 ? [[...items], []] : [items.slice(0, from), items.slice(from)];
}

function isAlwaysShown(item: TranscriptItem): boolean {
  return item.kind === 'prompt' || (item.kind === 'notice' && item.notice.tone !== 'plain');
}

function toRow(item: TranscriptItem): Row {
  return { kind: 'item', key: item.key };
}

/** The turn that an item is folded into, if it is. */
export function turnThatHides(
  key: string,
  keys: readonly string[],
  find: (key: string) => TranscriptItem | undefined,
): string | null {
  const index = keys.indexOf(key);
  const end = keys.slice(index).find((other) => find(other)?.kind === 'turn_end');
  const item = end === undefined ? undefined : find(end);
  return item?.kind === 'turn_end' ? (item.turnId ?? item.key) : null;
}
