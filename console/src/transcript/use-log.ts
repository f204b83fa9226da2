import { createContext, useContext } from 'react';
import type { Agent } from '../log/agents.ts';
import type { TranscriptItem } from '../log/item.ts';
import { noKeys, type SessionLog } from '../log/session-log.ts';
import { KeyedStore, useKeyed } from '../util/keyed-store.ts';

export type Shown = {
  sessionId: string;
  log: SessionLog;
  /** The list that is shown: `MAIN`, or the call of a subagent. */
  list: string;
  /** Rows that were opened or closed stay so, also when they scroll out of sight. */
  opened: KeyedStore<boolean>;
};

/** What the rows of a transcript are rows of. */
export const ShownContext = createContext<Shown | null>(null);

export function useShown(): Shown {
  const shown = useContext(ShownContext);
  if (shown === null) throw new Error('a row outside of a transcript');
  return shown;
}

export function useItem(key: string): TranscriptItem | undefined {
  return useKeyed(useShown().log.items, key);
}

export function useAgent(log: SessionLog, id: string): Agent | undefined {
  return useKeyed(log.agents, id);
}

export function useOrder(log: SessionLog, list: string): readonly string[] {
  return useKeyed(log.orders, list) ?? noKeys;
}

/** Whether a row is open, and what changes it. */
export function useOpened(key: string, isOpenAtFirst = false): [boolean, (isOpen: boolean) => void] {
  const { opened } = useShown();
  return [useKeyed(opened, key) ?? isOpenAtFirst, (isOpen) => opened.set(key, isOpen)];
}

export function newOpened(): KeyedStore<boolean> {
  return new KeyedStore<boolean>();
}
