import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { ApprovalView } from '../../src/session/approval/approval.ts';
import type { Random } from '../support/random.ts';
import type { LiveServers } from './live-servers.ts';

const PATIENCE_MS = 120_000;

/** Persons who answer what agents ask, on any server, some late, some together, some while the turn is stopped. */
export class LiveAnswers {
  /** What a server said it took, by approval. */
  readonly accepted = new Map<string, object>();
  readonly #servers: LiveServers;
  readonly #random: Random;
  readonly #answering = new Map<string, Promise<void>>();
  #isDone = false;

  constructor(servers: LiveServers, random: Random) {
    this.#servers = servers;
    this.#random = random;
  }

  async run(): Promise<void> {
    while (!this.#isDone) {
      const { status, body } = await this.#servers.request(this.#random, {
        method: 'GET',
        path: '/approvals?status=pending&limit=100',
      });
      assert.equal(status, 200, JSON.stringify(body));
      for (const approval of body.approvals as ApprovalView[]) {
        if (!this.#answering.has(approval.approval_id)) {
          this.#answering.set(approval.approval_id, this.#answer(approval));
        }
      }
      await delay(100);
    }
    await Promise.all(this.#answering.values());
  }

  stop(): void {
    this.#isDone = true;
  }

  async #answer(approval: ApprovalView): Promise<void> {
    const random = this.#random;
    await delay(random.chance(0.2) ? 1_500 : random.upTo(600));
    const work = [this.#post(approval, this.#choose(approval))];
    if (random.chance(0.2)) work.push(this.#post(approval, this.#choose(approval)));
    if (random.chance(0.1)) work.push(this.#stop(approval));
    const taken = (await Promise.all(work)).filter((isTaken) => isTaken);
    assert.ok(taken.length <= 1, `two answers to ${approval.approval_id} were taken`);
  }

  /** @returns whether it was the answer that counts */
  async #post(approval: ApprovalView, answer: object): Promise<boolean> {
    const call = { method: 'POST', path: `/approvals/${approval.approval_id}`, body: answer };
    // Its database may be away for long.
    const deadline = performance.now() + PATIENCE_MS;
    while (performance.now() < deadline) {
      const { status, body } = await this.#servers.request(this.#random, call);
      if (status === 200) {
        this.accepted.set(approval.approval_id, answer);
        return true;
      }
      if (status !== 0) {
        assert.equal(body.code, 'approval_decided', JSON.stringify(body));
        return false;
      }
      await delay(100);
    }
    throw new Error('no server took an answer');
  }

  async #stop({ session_id: id }: ApprovalView): Promise<boolean> {
    await delay(this.#random.upTo(20));
    const path = this.#random.pick([
      `/cancel/${id}`,
      `/sessions/${id}/interrupt`,
      `/sessions/${id}/interrupt?queued=discard`,
    ]);
    const { status, body } = await this.#servers.request(this.#random, { method: 'POST', path });
    assert.ok([0, 200].includes(status) || body.code === 'session_not_running', JSON.stringify(body));
    return false;
  }

  #choose({ kind, input, tool_name }: ApprovalView): object {
    const random = this.#random;
    if (random.chance(0.1)) return { decision: 'deny', message: 'no' };
    if (random.chance(0.04)) return { decision: 'deny', message: 'stop', interrupt: true };
    if (kind === 'client_tool') return { result: { content: `noted ${JSON.stringify(input)}` } };
    if (kind === 'question') {
      const { questions } = input as { questions: { question: string }[] };
      return { answers: Object.fromEntries(questions.map(({ question }) => [question, 'red'])) };
    }
    if (random.chance(0.15)) return { decision: 'allow', scope: 'session' };
    if (tool_name !== 'Bash' || random.chance(0.8)) return { decision: 'allow' };
    // Another file: the one that it names stays as it is.
    return { decision: 'allow', updated_input: { ...input, command: `${input.command}.changed` } };
  }
}
