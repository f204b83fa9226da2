import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { StartupError } from '../errors.ts';
import { explainDatabase, waitForDatabase } from './start-patience.ts';

const words = { name: 'the database at db.example', hint: 'check DATABASE_URL' };
const away = (): Error => new Error('Connection terminated due to connection timeout');

describe('a step of the start', () => {
  it('is taken again while the database is away', async () => {
    let tries = 0;
    const step = async (): Promise<string> => {
      if (++tries < 3) throw away();
      return 'done';
    };
    assert.equal(await waitForDatabase(words, step), 'done');
    assert.equal(tries, 3);
  });

  it('ends with what the operator can do where the database stays away', async () => {
    const step = async (): Promise<never> => {
      throw away();
    };
    const isClear = (error: unknown): boolean =>
      error instanceof StartupError &&
      error.message.startsWith('cannot use the database at db.example: Connection terminated') &&
      error.hint === words.hint;
    await assert.rejects(waitForDatabase(words, step, 1), isClear);
    await assert.rejects(explainDatabase(words, step), isClear);
  });

  it('hides no bug', async () => {
    const bug = new TypeError('a bug');
    const step = async (): Promise<never> => {
      throw bug;
    };
    await assert.rejects(waitForDatabase(words, step), bug);
  });
});
