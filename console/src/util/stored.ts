import { KeyedStore, useKeyed } from './keyed-store.ts';
import { remember, remembered } from './remembered.ts';

/**
 * Values by key that outlive the page, the same in all tabs of the browser. Each change begins with what storage has by
 * then: another tab may have been faster.
 */
export class Stored<T> {
  readonly #prefix: string;
  readonly #read: (value: unknown) => T;
  /** What was read of storage already: the same object until it changes. */
  readonly #known = new Map<string, T>();
  /** Tells components. */
  readonly #values = new KeyedStore<T>();

  /** `read` makes sense of what is stored: it may be missing, or of another version. */
  constructor(prefix: string, read: (value: unknown) => T) {
    this.#prefix = prefix;
    this.#read = read;
  }

  get(key: string): T {
    const known = this.#known.get(key);
    return known === undefined ? this.#note(key, this.#read(remembered(this.#prefix + key))) : known;
  }

  change(key: string, change: (value: T) => T | null): void {
    const before = this.#read(remembered(this.#prefix + key));
    const after = change(before);
    remember(this.#prefix + key, after);
    this.#values.set(key, this.#note(key, after ?? this.#read(null)));
  }

  /** Another tab has changed it. */
  takeStorage(name: string | null): void {
    if (name?.startsWith(this.#prefix) !== true) return;
    const key = name.slice(this.#prefix.length);
    this.#values.set(key, this.#note(key, this.#read(remembered(name))));
  }

  follow(): () => void {
    const take = ({ key }: StorageEvent): void => this.takeStorage(key);
    window.addEventListener('storage', take);
    return () => window.removeEventListener('storage', take);
  }

  /** For components. */
  get values(): KeyedStore<T> {
    return this.#values;
  }

  #note(key: string, value: T): T {
    this.#known.set(key, value);
    return value;
  }
}

export function useStored<T>(stored: Stored<T>, key: string): T {
  return useKeyed(stored.values, key) ?? stored.get(key);
}
