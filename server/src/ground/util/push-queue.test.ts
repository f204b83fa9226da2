import assert from 'node:assert/strict';
import { it } from 'node:test';
import { PushQueue } from './push-queue.ts';

it('gives everything in order: what was pushed before, while and after the reader waited', async () => {
  const queue = new PushQueue<number>();
  queue.push(1);
  const read = Array.fromAsync(queue);
  queue.push(2);
  await Promise.resolve();
  queue.push(3);
  queue.end();
  assert.deepEqual(await read, [1, 2, 3]);
});

it('gives what is pushed while the reader is busy with an item', async () => {
  const queue = new PushQueue<number>();
  queue.push(1);
  const read: number[] = [];
  for await (const item of queue) {
    read.push(item);
    if (item < 3) queue.push(item + 1);
    else queue.end();
  }
  assert.deepEqual(read, [1, 2, 3]);
});

it('ends a reader that waits, and one that comes later', async () => {
  const queue = new PushQueue<number>();
  const waiting = Array.fromAsync(queue);
  queue.end();
  assert.deepEqual(await waiting, []);
  assert.deepEqual(await Array.fromAsync(queue), []);
});
