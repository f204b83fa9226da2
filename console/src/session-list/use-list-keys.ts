import type { SessionSummary } from '@greenroom/client';
import { useEffect, useRef } from 'react';
import { summaries } from '../live/summaries.ts';
import { nextRow } from './next-row.ts';
import { setArchived, setPinned, setUnread } from './session-acts.ts';
import type { Asked } from './session-list.tsx';

export type ListKeys = {
  order: readonly string[];
  activeId: string | null;
  chosen: readonly string[];
  goTo: (id: string) => void;
  select: (id: string, isRange: boolean) => void;
  clear: () => void;
  ask: (asked: Asked) => void;
};

/** What the keys do while the list is shown: see shortcuts.ts. */
export function useListKeys(keys: ListKeys): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (isTaken(event) || !obey(event, current.current)) return;
      event.preventDefault();
    };
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, []);
}

/** Another one has it, or the key is a part of something else. */
function isTaken(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey)
    return true;
  if (!(event.target instanceof Element)) return false;
  // A box that is ticked takes the space bar alone.
  const takers =
    'input:not([type="checkbox"]), textarea, select, [contenteditable], [role="menu"], [role="listbox"], [role="dialog"]';
  return event.target.closest(takers) !== null;
}

/** Whether the key meant something. */
function obey(event: KeyboardEvent, keys: ListKeys): boolean {
  const { activeId, chosen } = keys;
  switch (event.key) {
    case 'j':
    case 'J':
    case 'k':
    case 'K':
      return move(event.key.toLowerCase() === 'j' ? 1 : -1, event, keys);
    case 'ArrowDown':
    case 'ArrowUp':
      return isAtRows(event) && move(event.key === 'ArrowDown' ? 1 : -1, event, keys);
    case 'x':
      if (activeId !== null) keys.select(activeId, false);
      return activeId !== null;
    case 'p':
      return each(keys, ({ pinned }) => pinned, setPinned);
    case 'e':
      return archive(keys);
    case 'u':
      return each(keys, ({ state }) => state === 'unread', setUnread, isOver);
    case 'Delete': {
      const ids = targetsOf(keys).map(({ session_id }) => session_id);
      if (ids.length > 0) keys.ask({ act: 'delete', ids });
      return ids.length > 0;
    }
    case '/':
      document.getElementById('session-search')?.focus();
      return true;
    case 'Escape':
      keys.clear();
      return chosen.length > 0;
    default:
      return false;
  }
}

/** Arrows scroll the page as well: from what is no row, they do. */
function isAtRows({ target }: KeyboardEvent): boolean {
  return target instanceof Element && target.closest('[data-session-id]') !== null;
}

function move(by: 1 | -1, { shiftKey }: KeyboardEvent, { order, activeId, goTo, select }: ListKeys): boolean {
  const next = nextRow(order, activeId, by);
  if (next === null) return false;
  if (shiftKey) {
    if (activeId !== null) select(activeId, true);
    select(next, true);
  }
  goTo(next);
  return true;
}

/** All that are selected, or else the one that the keys are at. */
function targetsOf({ activeId, chosen }: ListKeys): SessionSummary[] {
  const ids = chosen.length > 0 ? chosen : activeId === null ? [] : [activeId];
  return ids.map((id) => summaries.get(id)).filter((summary) => summary !== undefined);
}

function isOver({ state }: SessionSummary): boolean {
  return state === 'idle' || state === 'unread';
}

/** Of many, with its progress. */
function archive(keys: ListKeys): boolean {
  const [first, ...others] = targetsOf(keys);
  if (first === undefined) return false;
  if (others.length === 0) void setArchived(first, !first.archived);
  else keys.ask({ act: first.archived ? 'unarchive' : 'archive', ids: keys.chosen });
  return true;
}

/** Many may be selected: one after the other. All of them get what the first has not. */
function each(
  keys: ListKeys,
  has: (summary: SessionSummary) => boolean,
  set: (summary: SessionSummary, value: boolean) => Promise<boolean>,
  may: (summary: SessionSummary) => boolean = () => true,
): boolean {
  const targets = targetsOf(keys).filter(may);
  const [first] = targets;
  if (first === undefined) return false;
  const value = !has(first);
  void (async () => {
    // One that fails has said so; the others would, too.
    for (const summary of targets) if (has(summary) !== value && !(await set(summary, value))) return;
  })();
  return true;
}
