import type { TranscriptItem } from './item.ts';

/** The list of the agent itself; subagents have lists of their own, by the call that began them. */
export const MAIN = '';

type List = { stored: string[]; drafts: string[] };

/**
 * The items of a session: a list for the agent and for each of its subagents. What is still being written is always at
 * the end, so that the order is the log's, whatever came first. Remembers what changed since it was last asked.
 */
export class ItemLists {
  readonly #items = new Map<string, TranscriptItem>();
  readonly #lists = new Map<string, List>();
  readonly #listOf = new Map<string, string>();
  readonly #places = new Map<number, string>();
  readonly #ends = new Map<string, string>();
  #changedItems = new Set<string>();
  #changedLists = new Set<string>();
  /** The event that is being read. */
  seq = 0;

  get(key: string): TranscriptItem | undefined {
    return this.#items.get(key);
  }

  listOf(key: string): string | undefined {
    return this.#listOf.get(key);
  }

  names(): string[] {
    return [...this.#lists.keys()];
  }

  order(list: string): string[] {
    const { stored, drafts } = this.#lists.get(list) ?? { stored: [], drafts: [] };
    return [...stored, ...drafts];
  }

  /** The item that shows an event, or what came last before it. */
  keyAt(seq: number): string | undefined {
    for (let at = seq; at > 0; at--) {
      const key = this.#places.get(at);
      if (key !== undefined && this.#items.has(key)) return key;
    }
    return undefined;
  }

  push(list: string, item: TranscriptItem): void {
    const { stored, drafts } = this.#open(list);
    const isKnown = this.#items.has(item.key);
    const draft = drafts.indexOf(item.key);
    if (draft !== -1) drafts.splice(draft, 1);
    if (!isKnown || draft !== -1) {
      stored.splice(this.#placeOf(item, stored), 0, item.key);
      this.#changedLists.add(list);
    }
    if (item.kind === 'turn_end') this.#ends.set(item.turnId ?? '', item.key);
    this.#set(list, item);
    this.#places.set(this.seq, item.key);
  }

  /** What is being written: as new, or as it stands now. */
  draft(list: string, item: TranscriptItem): void {
    if (!this.#items.has(item.key)) {
      this.#open(list).drafts.push(item.key);
      this.#changedLists.add(list);
    }
    this.#set(list, item);
  }

  /** The same item with other contents. */
  replace(item: TranscriptItem): void {
    const list = this.#listOf.get(item.key);
    if (list === undefined) return;
    this.#set(list, item);
    this.#places.set(this.seq, item.key);
  }

  /** Which of its rows are shown may have changed. */
  touch(list: string): void {
    this.#changedLists.add(list);
  }

  /** An object that says the same as the item that is there. */
  keep(item: TranscriptItem): void {
    this.#items.set(item.key, item);
    this.#changedItems.delete(item.key);
  }

  /** Is no longer there, for those who knew it. */
  forget(key: string): void {
    this.#changedItems.add(key);
  }

  remove(key: string): void {
    const list = this.#listOf.get(key);
    if (list === undefined) return;
    for (const keys of Object.values(this.#open(list))) {
      const index = keys.lastIndexOf(key);
      if (index !== -1) keys.splice(index, 1);
    }
    this.#items.delete(key);
    this.#listOf.delete(key);
    this.#changedItems.add(key);
    this.#changedLists.add(list);
  }

  takeChanges(): { items: Set<string>; lists: Set<string> } {
    const changes = { items: this.#changedItems, lists: this.#changedLists };
    this.#changedItems = new Set();
    this.#changedLists = new Set();
    return changes;
  }

  /** What an interrupted agent still says comes after its turn's end: it is of that turn. */
  #placeOf({ turnId }: TranscriptItem, stored: readonly string[]): number {
    const end = this.#ends.get(turnId ?? '');
    const index = end === undefined ? -1 : stored.lastIndexOf(end);
    return index === -1 ? stored.length : index;
  }

  #open(list: string): List {
    const open = this.#lists.get(list) ?? { stored: [], drafts: [] };
    this.#lists.set(list, open);
    return open;
  }

  #set(list: string, item: TranscriptItem): void {
    this.#items.set(item.key, item);
    this.#listOf.set(item.key, list);
    this.#changedItems.add(item.key);
  }
}
