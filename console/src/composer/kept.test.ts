import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { Turn, WholeTurn } from '@greenroom/client';
import { kept } from './drafts.ts';
import { dropKept, keepText, type StopParts, settle, stopAndKeep } from './kept.ts';
import { SampleStorage } from './sample-storage.ts';

/** What the server has: turns by id. */
let turns = new Map<string, Turn>();
let storage = new SampleStorage();
let id = '';
let count = 0;

beforeEach(() => {
  storage = new SampleStorage().install();
  turns = new Map();
  id = `kept-${++count}`;
});

function turn(turnId: string, state: Turn['state'] = 'queued', sent_at: string | null = null): Turn {
  const made = { turn_id: turnId, state, sent_at, prompt: `say ${turnId}`, content: null, delivery: 'queue' };
  turns.set(turnId, made as Turn);
  return made as Turn;
}

function setState(turnId: string, state: Turn['state']): void {
  turns.set(turnId, { ...(turns.get(turnId) as Turn), state });
}

const readTurn = async (turnId: string): Promise<WholeTurn> => turns.get(turnId) as unknown as WholeTurn;

function parts(changes: Partial<StopParts> = {}): StopParts {
  const waiting = () => [...turns.values()].filter(({ state }) => state === 'queued');
  return {
    listQueue: async () => waiting(),
    stop: async () => {
      const discarded = waiting().map(({ turn_id }) => turn_id);
      for (const turnId of discarded) setState(turnId, 'cancelled');
      return { discarded };
    },
    readTurn,
    isOver: (error) => error instanceof Error && error.message === 'over',
    ...changes,
  };
}

const texts = (isSettled: boolean): string[] =>
  kept
    .get(id)
    .filter((entry) => entry.isSettled === isSettled)
    .map(({ text }) => text);

describe('stopping a session', () => {
  it('keeps what waited, in its order', async () => {
    turn('a');
    turn('b');
    assert.equal(await stopAndKeep(id, parts()), 2);
    assert.deepEqual(texts(true), ['say a', 'say b']);
  });

  it('has the texts in storage before the server is asked', async () => {
    turn('a');
    await assert.rejects(
      stopAndKeep(
        id,
        parts({
          stop: async () => {
            assert.match(storage.getItem(`greenroom.kept.${id}`) ?? '', /say a/);
            throw new Error('the tab died');
          },
        }),
      ),
    );
    // Whoever comes back asks what became of it.
    setState('a', 'cancelled');
    await settle(id, { readTurn });
    assert.deepEqual(texts(true), ['say a']);
  });

  it('keeps what came between the list and the stop', async () => {
    const { stop } = parts();
    const late = async () => {
      turn('late');
      return await stop();
    };
    assert.equal(await stopAndKeep(id, parts({ stop: late })), 1);
    assert.deepEqual(texts(true), ['say late']);
  });

  it('does not keep what had begun by then', async () => {
    turn('a');
    turn('b');
    const stop = async () => {
      setState('a', 'running');
      setState('b', 'cancelled');
      return { discarded: ['b'] };
    };
    await stopAndKeep(id, parts({ stop }));
    assert.deepEqual(texts(true), ['say b']);
    assert.deepEqual(texts(false), []);
  });

  it('leaves what the agent has got, and what waits still when it did not get through', async () => {
    turn('sent', 'queued', '2026-12-01T00:00:00Z');
    turn('a');
    const stop = async () => {
      throw new Error('away');
    };
    await assert.rejects(stopAndKeep(id, parts({ stop })), /away/);
    await settle(id, { readTurn });
    assert.deepEqual(texts(true), []);
    assert.deepEqual(texts(false), ['say a']);
    setState('a', 'running');
    await settle(id, { readTurn });
    assert.deepEqual(kept.get(id), []);
  });

  it('is calm where the session ended by itself', async () => {
    const stop = async () => {
      throw new Error('over');
    };
    assert.equal(await stopAndKeep(id, parts({ stop })), 0);
  });
});

describe('what is kept', () => {
  it('goes when it was sent or thrown away, and no earlier', async () => {
    turn('a');
    await stopAndKeep(id, parts());
    keepText(id, 'edit-b', 'edited');
    keepText(id, 'edit-b', 'edited twice');
    assert.deepEqual(texts(true), ['say a', 'edited twice']);
    dropKept(id, ['kept-a']);
    assert.deepEqual(texts(true), ['edited twice']);
  });
});
