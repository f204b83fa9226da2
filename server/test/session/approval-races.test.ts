import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApprovalView } from '../../src/session/approval/approval.ts';
import type { EventView } from '../../src/session/event/event.ts';
import { answerText, startTestServer, type TestServer } from '../support/harness.ts';

const isQuestion = (event: EventView) => event.kind === 'approval' && event.data.phase === 'requested';
const isCallOf = (event: EventView, text: string) =>
  event.kind === 'sdk' && event.data.type === 'assistant' && JSON.stringify(event.data).includes(text);

describe('what happens to a turn in the moment when it asks', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(async () => await server[Symbol.asyncDispose]());

  const allow = async ({ approval_id }: ApprovalView): Promise<void> => {
    await server.request('POST', `/approvals/${approval_id}`, { decision: 'allow' });
  };
  const send = async (id: string, body: object): Promise<void> => {
    const { status } = await server.request('POST', `/sessions/${id}/messages`, body);
    assert.equal(status, 202);
  };
  const approvalsOf = async (id: string): Promise<ApprovalView[]> =>
    (await server.request('GET', `/approvals?session_id=${id}`)).body.approvals;

  it('an answer that comes while it is being parked is kept for the next process', async () => {
    const marks = ['one', 'two', 'three', 'four'];
    const id = await server.execute({
      prompt: marks.map((mark) => `run: echo ${mark} >> ${mark}`).join(' then '),
      approvals: 'ask',
      park_after_s: 0,
    });
    for await (const event of server.client.sessions.stream(id, { signal: AbortSignal.timeout(60_000) })) {
      if (!('seq' in event)) continue;
      if (event.kind === 'approval' && event.data.phase === 'requested') {
        // The process is being ended by now, and does not know of the answer.
        await delay(3);
        await allow(event.data.approval);
      }
      if (event.kind === 'turn' && event.data.phase === 'ended') break;
    }
    assert.match(answerText(await server.ended(id)), /four/);
    assert.equal((await approvalsOf(id)).length, marks.length, 'nothing was asked twice');
  });

  it('a parked turn that is interrupted keeps what it cost, and the next one pays for itself', async () => {
    const id = await server.execute({ prompt: '[demo:hang]', approvals: 'ask', park_after_s: 0 });
    await server.event(id, (event) => event.kind === 'sdk');
    await send(id, { prompt: 'hello' });
    await send(id, { prompt: 'run: echo one > one', delivery: 'interrupt' });
    await server.event(id, isQuestion);
    await server.context.worker.released(id);
    await server.request('POST', `/sessions/${id}/interrupt`);
    await server.event(id, ({ kind, data }) => kind === 'turn' && data.turn === 2 && data.phase === 'ended');
    const { turns, cost_usd } = (await server.request('GET', `/sessions/${id}`)).body;
    const [hanging, next, parked]: number[] = turns.map((turn: { cost_usd: number }) => turn.cost_usd);
    assert(hanging !== undefined && next !== undefined && parked !== undefined);
    assert.ok(next > 0 && parked > 0, `${next}, ${parked}`);
    assert.ok(
      Math.abs(cost_usd - hanging - next - parked) < 1e-9,
      `${cost_usd}: ${hanging}, ${next}, ${parked}`,
    );
  });

  it('a question that comes after an interrupt is not asked', async () => {
    const id = await server.execute({ prompt: 'hello', approvals: 'ask' });
    await server.ended(id);
    for (const mark of ['one', 'two', 'three']) {
      await send(id, { prompt: `run: echo ${mark} >> ${mark}` });
      await server.event(id, (event) => isCallOf(event, `>> ${mark}`));
      await server.request('POST', `/sessions/${id}/interrupt`);
      await send(id, { prompt: 'what is 2 + 2?' });
      assert.match(answerText(await server.ended(id)), /2 \+ 2 = 4/);
      assert.ok((await approvalsOf(id)).every((approval) => approval.status !== 'pending'));
      assert.equal((await server.request('GET', `/sessions/${id}`)).body.waiting_for, null);
    }
  });

  it('a message that steers it after it was parked becomes part of it, and it ends', async () => {
    const id = await server.execute({
      prompt: 'run: echo one >> one then run: sleep 1',
      approvals: 'ask',
      park_after_s: 0,
      allowed_tools: ['Bash(sleep:*)'],
    });
    const asked = await server.event(id, isQuestion);
    await server.context.worker.released(id);
    await allow((asked.data as { approval: ApprovalView }).approval);
    await server.event(id, (event) => isCallOf(event, '"sleep 1"'));
    await send(id, { prompt: 'what is 2 + 2?', delivery: 'steer' });
    const isEnd = (event: EventView) =>
      event.kind === 'turn' && event.data.phase === 'ended' && event.data.turn === 1;
    await server.event(id, isEnd);
    const { turns } = (await server.request('GET', `/sessions/${id}`)).body;
    assert.deepEqual([turns[0].state, turns[0].result.text], ['completed', '2 + 2 = 4']);
    assert.equal(turns[1].steered_into, turns[0].turn_id);
  });

  it('a message that came too late to be read with it asks in the same turn', async () => {
    const id = await server.execute({ prompt: '[demo:slow 30] count from 1 to 30', approvals: 'ask' });
    await server.event(id, (event) => event.kind === 'sdk' && event.data.type === 'system');
    await send(id, { prompt: 'run: echo late > late', delivery: 'steer' });
    const { data, turn_id } = await server.event(id, isQuestion);
    await allow((data as { approval: ApprovalView }).approval);
    await server.ended(id);
    const { turns } = (await server.request('GET', `/sessions/${id}`)).body;
    assert.deepEqual(
      turns.map((turn: { state: string; steered_into: string | null }) => [turn.state, turn.steered_into]),
      [
        ['completed', null],
        ['completed', turn_id],
      ],
    );
    assert.equal(turn_id, turns[0].turn_id);
    assert.match(turns[0].result.text, /I ran `echo late > late`/);
  });
});
