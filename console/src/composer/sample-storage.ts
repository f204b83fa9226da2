/** What browsers give pages to keep texts in, for tests that run without one. */
export class SampleStorage {
  readonly items = new Map<string, string>();
  /** Characters that find room. */
  room = Number.POSITIVE_INFINITY;

  getItem(key: string): string | null {
    return this.items.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    if (value.length > this.room) throw new Error('the quota is exceeded');
    this.items.set(key, value);
  }

  removeItem(key: string): void {
    this.items.delete(key);
  }

  /** As the page's storage, from now on. */
  install(): this {
    Object.defineProperty(globalThis, 'localStorage', { value: this, configurable: true });
    return this;
  }
}
