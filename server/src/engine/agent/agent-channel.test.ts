import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { setImmediate as immediate } from 'node:timers/promises';
import type { AgentChild } from '../isolation/driver.ts';
import { AgentChannel } from './agent-channel.ts';
import { Backlog } from './backlog.ts';

const MB = 2 ** 20;

/** A channel whose program is the test, and whose SDK only counts what it gets. */
function openChannel({ readsMessages = true } = {}) {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const child = Object.assign(new EventEmitter(), {
    pid: 1,
    stdin,
    stdout,
    killed: false,
    exitCode: null,
    signalCode: null,
    exited: new Promise<never>(() => {}),
    stderrTail: () => '',
    exhausted: () => null,
    kill: () => true,
    destroy: async () => {},
  }) satisfies Omit<AgentChild, keyof EventEmitter>;
  const offences: string[] = [];
  const backlog = new Backlog();
  const channel = new AgentChannel(child, backlog, (reason) => offences.push(reason));
  const heard: string[] = [];
  (channel.process.stdout as Readable).on('data', (line: string) => {
    heard.push(line.trim());
    if (!readsMessages) backlog.waits();
  });
  return { stdin, stdout, sdk: channel.process.stdin, backlog, offences, heard };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await immediate();
}

const line = (message: object): string => `${JSON.stringify(message)}\n`;
const question = (id: string, padding = ''): string =>
  line({ type: 'control_request', request_id: id, request: { subtype: 'hook_callback', padding } });
const answer = (id: string): string =>
  line({ type: 'control_response', response: { subtype: 'success', request_id: id, response: {} } });

describe('the channel of an agent', () => {
  it('passes on what the program says, and what it is told', async () => {
    const channel = openChannel();
    channel.stdout.write('{"type":"system"}\n\n{"type":"assi');
    channel.stdout.end('stant"}');
    channel.sdk.write(line({ type: 'user', message: {} }));
    await settled();
    assert.deepEqual(channel.heard, ['{"type":"system"}', '{"type":"assistant"}']);
    assert.equal(String(channel.stdin.read()), line({ type: 'user', message: {} }));
    assert.deepEqual(channel.offences, []);
  });

  it('reports an offence once, and passes on nothing after it', async () => {
    const channel = openChannel();
    channel.stdout.write('{"type":"control_request","request_id":"r1"}\noops\n{"type":"assistant"}\n');
    await settled();
    assert.equal(channel.offences.length, 1);
    assert.match(channel.offences[0] ?? '', /no known shape: request/);
    assert.deepEqual(channel.heard, []);
  });

  it('ends a line that does not', async () => {
    const channel = openChannel();
    for (let written = 0; written <= 64 && channel.offences.length === 0; written++) {
      channel.stdout.write(Buffer.alloc(MB, 'x'));
      await immediate();
    }
    await settled();
    assert.match(channel.offences[0] ?? '', /a line of more than 67108864 bytes/);
  });

  it('passes on answers that were asked for, once', async () => {
    const channel = openChannel();
    channel.stdout.write(answer('a'));
    channel.sdk.write(line({ request_id: 'a', type: 'control_request', request: { subtype: 'interrupt' } }));
    channel.stdout.write(answer('a') + answer('a') + answer('b'));
    await settled();
    assert.deepEqual(channel.heard, [answer('a').trim()]);
  });

  it('ends an agent with more questions than can be answered, by their number and their size', async () => {
    const many = openChannel();
    for (let n = 0; n < 1_100; n++) many.stdout.write(question(`r${n}`));
    await settled();
    assert.match(many.offences[0] ?? '', /more questions/);
    const large = openChannel();
    for (let n = 0; n < 5; n++) large.stdout.write(question(`r${n}`, 'x'.repeat(15 * MB)));
    await settled();
    assert.match(large.offences[0] ?? '', /more questions/);
  });

  it('ends an agent that asks again under the id of a question that waits', async () => {
    const channel = openChannel();
    channel.stdout.write(question('r1') + line({ type: 'control_cancel_request', request_id: 'r1' }));
    channel.stdout.write(question('r1'));
    await settled();
    assert.deepEqual(
      [channel.offences, channel.heard.length],
      [['the agent said two questions of one id'], 2],
    );
  });

  it('forgets questions that were answered', async () => {
    const channel = openChannel();
    channel.stdin.resume();
    for (let n = 0; n < 1_100; n++) {
      channel.stdout.write(question(`r${n}`));
      while (channel.heard.length <= n) await immediate();
      channel.sdk.write(answer(`r${n}`));
    }
    assert.deepEqual(channel.offences, []);
  });

  it('ends an agent that does not read what it is sent', async () => {
    const channel = openChannel();
    for (let n = 0; n < 5; n++) channel.sdk.write(line({ type: 'user', padding: 'x'.repeat(16 * MB) }));
    await settled();
    assert.deepEqual(channel.offences, ['the agent does not read what it is sent']);
  });

  it('reads no further while what was said is not stored, and goes on when it is', async () => {
    const { backlog, heard, stdout } = openChannel({ readsMessages: false });
    const message = line({ type: 'assistant', padding: 'x'.repeat(MB) });
    for (let n = 0; n < 40; n++) stdout.write(message);
    await settled();
    assert.equal(heard.length, 8);
    for (let taken = 0; taken < 40; taken++) {
      assert.ok(heard.length - taken <= 8);
      backlog.taken();
      await settled();
    }
    assert.equal(heard.length, 40);
  });

  it('reads no further while the transcript is being stored, also once nobody reads messages', async () => {
    const { backlog, heard, stdout } = openChannel();
    const stored = Promise.withResolvers<void>();
    void backlog.storing(stored.promise);
    backlog.readerGone();
    const entries = line({
      type: 'transcript_mirror',
      filePath: '/p/a.jsonl',
      entries: [{ type: 'user', padding: 'x'.repeat(MB) }],
    });
    for (let n = 0; n < 40; n++) stdout.write(line({ type: 'assistant' }) + entries);
    await settled();
    assert.equal(heard.length, 8);
    stored.resolve();
    await settled();
    assert.equal(heard.length, 40);
  });

  it('passes on questions while messages wait', async () => {
    const { heard, stdout } = openChannel({ readsMessages: false });
    for (let n = 0; n < 10; n++) stdout.write(line({ type: 'assistant', padding: 'x'.repeat(MB / 2) }));
    stdout.write(question('r1'));
    await settled();
    assert.equal(heard.at(-1), question('r1').trim());
  });
});
