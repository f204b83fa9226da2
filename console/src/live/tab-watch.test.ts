import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TabWatch } from './tab-watch.ts';

type Locks = Pick<LockManager, 'request'>;

/** A tab that can be hidden and shown, and says whether it streams. */
class Tab {
  visibilityState: DocumentVisibilityState = 'visible';
  isStreaming = false;
  #listener: (() => void) | null = null;
  #changed: (() => void)[] = [];

  constructor(locks: Locks | undefined) {
    const live = {
      start: (): void => this.#stream(true),
      pause: (): void => this.#stream(false),
    };
    new TabWatch({ live, document: this as unknown as Document, locks, hiddenMs: 0 }).start();
  }

  addEventListener(_type: string, listener: () => void): void {
    this.#listener = listener;
  }

  show(state: DocumentVisibilityState): void {
    this.visibilityState = state;
    this.#listener?.();
  }

  #stream(isStreaming: boolean): void {
    this.isStreaming = isStreaming;
    for (const resolve of this.#changed.splice(0)) resolve();
  }

  async changed(): Promise<void> {
    await new Promise<void>((resolve) => this.#changed.push(resolve));
  }
}

describe('tabs of one browser', () => {
  it('stream while they are looked at, and of the hidden ones one alone', async () => {
    // Node's own LockManager is the browsers'.
    const [first, second] = [new Tab(navigator.locks), new Tab(navigator.locks)];
    assert.ok(first.isStreaming && second.isStreaming);
    first.show('hidden');
    await first.changed();
    second.show('hidden');
    await second.changed();
    assert.deepEqual([first.isStreaming, second.isStreaming], [true, false]);

    // Who watched is looked at again: the other one takes over.
    const takesOver = second.changed();
    first.show('visible');
    await takesOver;
    assert.deepEqual([first.isStreaming, second.isStreaming], [true, true]);
    second.show('visible');
  });

  it('stream again when they are shown, also where there are no locks', async () => {
    const tab = new Tab(undefined);
    const paused = tab.changed();
    tab.show('hidden');
    await paused;
    assert.equal(tab.isStreaming, false);
    tab.show('visible');
    assert.equal(tab.isStreaming, true);
  });
});
