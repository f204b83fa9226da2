import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TabWatch } from './tab-watch.ts';

type Locks = Pick<LockManager, 'request'>;

/** What tabs hear of each other. */
class Channel {
  readonly #listeners: (() => void)[] = [];

  onBegin(hear: () => void): void {
    this.#listeners.push(hear);
  }

  begin(): void {
    for (const hear of this.#listeners) hear();
  }
}

/** Node's own LockManager is the browsers'; each test has locks of its own. */
function browserLocks(): Locks {
  const browser = crypto.randomUUID();
  const request = (name: string, ...others: unknown[]): unknown =>
    Reflect.apply(navigator.locks.request, navigator.locks, [`${browser} ${name}`, ...others]);
  return { request: request as Locks['request'] };
}

/** A tab that can be hidden and shown, and says whether it streams. */
class Tab {
  visibilityState: DocumentVisibilityState = 'visible';
  isStreaming = false;
  #listener: (() => void) | null = null;
  #changed: (() => void)[] = [];

  constructor(locks: Locks | undefined, { channel = new Channel(), hiddenMs = 0 } = {}) {
    const live = {
      start: (): void => this.#stream(true),
      pause: (): void => this.#stream(false),
    };
    const page = this as unknown as Document & Window;
    new TabWatch({ live, document: page, window: page, channel, locks, hiddenMs }).start();
  }

  /** Of `visibilitychange` and `focus` alike. */
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
    const locks = browserLocks();
    const [first, second] = [new Tab(locks), new Tab(locks)];
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

  it('give way when they are hidden and another one begins, but for one', async () => {
    const locks = browserLocks();
    const parts = { channel: new Channel(), hiddenMs: 60_000 };
    const [first, second] = [new Tab(locks, parts), new Tab(locks, parts)];
    first.show('hidden');
    second.show('hidden');
    const paused = second.changed();
    const third = new Tab(locks, parts);
    await paused;
    assert.deepEqual([first.isStreaming, second.isStreaming, third.isStreaming], [true, false, true]);
    for (const tab of [first, second]) tab.show('visible');
  });

  it('leave a connection for requests when more are looked at than may stream, and stream when they are turned to', async () => {
    const locks = browserLocks();
    const tabs = Array.from({ length: 5 }, () => new Tab(locks));
    const [lost] = await Promise.race(tabs.map(async (tab) => [tab, await tab.changed()] as const));
    assert.deepEqual([lost.isStreaming, tabs.filter((tab) => tab.isStreaming).length], [false, 4]);
    const another = Promise.race(tabs.filter((tab) => tab !== lost).map(async (tab) => await tab.changed()));
    lost.show('visible');
    assert.equal(lost.isStreaming, true);
    await another;
    assert.equal(tabs.filter((tab) => tab.isStreaming).length, 4);
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
