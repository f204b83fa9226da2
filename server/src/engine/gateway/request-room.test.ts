import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AgentRoom, Room, requestLimits } from './request-room.ts';

const forever = new AbortController().signal;

describe('room for requests', () => {
  it('is given first to whom it is enough for, and comes back', async () => {
    const room = new Room(10);
    const order: string[] = [];
    const most = await room.take(8, forever);
    const large = room.take(9, forever).then((taken) => {
      order.push('large');
      return taken;
    });
    const small = await room.take(2, forever);
    const other = room.take(3, forever).then((taken) => {
      order.push('other');
      return taken;
    });
    most[Symbol.dispose]();
    const third = await other;
    small[Symbol.dispose]();
    third[Symbol.dispose]();
    (await large)[Symbol.dispose]();
    assert.deepEqual(order, ['other', 'large']);
    (await room.take(10, forever))[Symbol.dispose]();
  });

  it('is not lost to who has gone while waiting, at whatever moment', async () => {
    const room = new Room(1);
    const taken = await room.take(1, forever);
    const [before, after] = [new AbortController(), new AbortController()];
    const waiting = [room.take(1, before.signal), room.take(1, after.signal)] as const;
    before.abort();
    taken[Symbol.dispose]();
    after.abort();
    await assert.rejects(waiting[0]);
    (await waiting[1])[Symbol.dispose]();
    await assert.rejects(room.take(1, after.signal));
    (await room.take(1, forever))[Symbol.dispose]();
  });

  it('of an agent ends with 429 for who waits too long, and what it had taken meanwhile is free again', async () => {
    const shared = new Room(10);
    const limits = { ...requestLimits, requests: 2, bytes: 10, patienceMs: 1 };
    const [one, other] = [new AgentRoom(limits, shared), new AgentRoom(limits, shared)];
    const first = await one.take(6, forever);
    await assert.rejects(other.take(6, forever), { status: 429, retryAfterSeconds: 5 });
    await assert.rejects(one.take(6, forever), { status: 429 });
    const second = await one.take(4, forever);
    await assert.rejects(one.take(0, forever), { status: 429 });
    first[Symbol.dispose]();
    second[Symbol.dispose]();
    using _all = await other.take(10, forever);
  });

  it('of an agent has a bounded number of who wait: the next is refused at once', async () => {
    const limits = { ...requestLimits, requests: 1, waiting: 2, patienceMs: 60_000 };
    const agent = new AgentRoom(limits, new Room(10));
    const first = await agent.take(1, forever);
    const waiting = [agent.take(1, forever), agent.take(1, forever)];
    await assert.rejects(agent.take(1, forever), { status: 429 });
    first[Symbol.dispose]();
    for (const one of waiting) (await one)[Symbol.dispose]();
    using _again = await agent.take(1, forever);
  });
});
