import assert from 'node:assert/strict';
import { readFile } from 'node:fs';
import { describe, it } from 'node:test';
import { patiently, unlessAborted } from './waiting.ts';

/** The process has no processor for so long. */
function starve(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe('waiting', () => {
  it('for an answer that came while the process stood still ends with the answer', async () => {
    const answer = new Promise<string>((resolve, reject) =>
      readFile(import.meta.filename, 'utf8', (error, text) =>
        error === null ? resolve(text) : reject(error),
      ),
    );
    const waiting = patiently(answer, 100);
    starve(300);
    assert.match(await waiting, /starve/);
  });

  it('for an answer that does not come ends', async () => {
    await assert.rejects(patiently(new Promise(() => {}), 20), /no answer within 20 ms/);
  });

  it('ends with the reason of a signal, before and after the wait has begun', async () => {
    const controller = new AbortController();
    const waiting = unlessAborted(new Promise(() => {}), controller.signal);
    controller.abort(new Error('lost'));
    await assert.rejects(waiting, /lost/);
    await assert.rejects(unlessAborted(new Promise(() => {}), controller.signal), /lost/);
  });

  it('gives what came first, and the error of the work', async () => {
    const { signal } = new AbortController();
    assert.equal(await unlessAborted(Promise.resolve(1), signal), 1);
    await assert.rejects(unlessAborted(Promise.reject(new Error('failed')), signal), /failed/);
  });
});
