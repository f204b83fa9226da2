import type { DeltaEvent, SessionEvent } from '@greenroom/client';
import fc from 'fast-check';

/** Logs as agents write them: turns with words, thoughts, calls, subagents, approvals, retries; cut off anywhere. */

type Step =
  | { type: 'text' | 'thinking'; text: string }
  | { type: 'call'; hasResult: boolean; isError: boolean; asks: 'no' | 'allowed' | 'denied' }
  | { type: 'agent'; steps: Step[] }
  | { type: 'retry' }
  | { type: 'steer'; isReturned: boolean }
  | { type: 'queue'; isTakenBack: boolean }
  | { type: 'supersede' }
  | { type: 'goOn'; isTold: boolean; loses: boolean };

const { step } = fc.letrec<{ step: Step; steps: Step[] }>((tie) => ({
  step: fc.oneof(
    { depthSize: 'small' },
    fc.record({ type: fc.constantFrom('text' as const, 'thinking' as const), text: fc.string() }),
    fc.record({
      type: fc.constant('call' as const),
      hasResult: fc.boolean(),
      isError: fc.boolean(),
      asks: fc.constantFrom('no' as const, 'allowed' as const, 'denied' as const),
    }),
    fc.record({ type: fc.constant('retry' as const) }),
    fc.record({ type: fc.constant('steer' as const), isReturned: fc.boolean() }),
    fc.record({ type: fc.constant('queue' as const), isTakenBack: fc.boolean() }),
    fc.record({ type: fc.constant('supersede' as const) }),
    fc.record({ type: fc.constant('goOn' as const), isTold: fc.boolean(), loses: fc.boolean() }),
    fc.record({ type: fc.constant('agent' as const), steps: tie('steps') }),
  ),
  steps: fc.array(tie('step'), { maxLength: 6 }),
}));

const turns = fc.array(
  fc.record({
    steps: fc.array(step, { maxLength: 8 }),
    state: fc.constantFrom('completed' as const, 'error' as const, 'cancelled' as const),
  }),
  { minLength: 1, maxLength: 5 },
);

export const logArbitrary = fc
  .record({ turns, cut: fc.nat({ max: 3 }) })
  .map(({ turns: planned, cut }) => {
    const log = new LogWriter();
    for (const turn of planned) log.turn(turn.steps, turn.state);
    return log.events.slice(0, log.events.length - cut);
  })
  .filter((events) => events.length > 0);

class LogWriter {
  readonly events: SessionEvent[] = [];
  #turn = 0;
  #ids = 0;
  #lastUuid: string | null = null;

  turn(steps: readonly Step[], state: 'completed' | 'error' | 'cancelled'): void {
    const number = ++this.#turn;
    const id = `turn-${number}`;
    this.#prompt(id, number, 'queue');
    this.#phase(id, number, 'started', 'running');
    for (const planned of steps) this.#step(planned, id, null);
    this.#phase(id, number, 'ended', state);
  }

  #step(planned: Step, turnId: string, parent: string | null): void {
    switch (planned.type) {
      case 'text':
      case 'thinking':
        this.#say(turnId, parent, { type: planned.type, [planned.type]: planned.text });
        break;
      case 'call':
        this.#call(planned, turnId, parent);
        break;
      case 'agent': {
        const id = this.#use(turnId, parent, 'Agent');
        this.#sdk(turnId, { type: 'user', parent_tool_use_id: id, message: { content: 'do it' } });
        for (const inner of planned.steps) this.#step(inner, turnId, id);
        this.#result(turnId, parent, { id, isError: false });
        break;
      }
      case 'retry':
        this.#sdk(turnId, { type: 'system', subtype: 'api_retry', attempt: 1, max_retries: 4 });
        break;
      case 'steer': {
        const number = ++this.#turn;
        this.#prompt(`turn-${number}`, number, 'steer');
        this.#phase(`turn-${number}`, number, 'steered', 'completed');
        if (!planned.isReturned) this.#phase(`turn-${number}`, number, 'read', 'completed');
        else {
          this.#phase(`turn-${number}`, number, 'returned', 'queued');
          this.#phase(`turn-${number}`, number, 'ended', 'cancelled');
        }
        break;
      }
      case 'queue': {
        const number = ++this.#turn;
        this.#prompt(`turn-${number}`, number, 'queue');
        if (planned.isTakenBack) this.#phase(`turn-${number}`, number, 'ended', 'cancelled');
        break;
      }
      case 'supersede':
        if (this.#lastUuid !== null) {
          this.#say(turnId, parent, { type: 'text', text: 'again' }, [this.#lastUuid]);
        }
        break;
      case 'goOn':
        if (parent === null) this.#goOn(planned, turnId);
        break;
      default:
        planned satisfies never;
    }
  }

  #call(planned: Extract<Step, { type: 'call' }>, turnId: string, parent: string | null): void {
    const id = this.#use(turnId, parent, 'Bash');
    if (planned.asks !== 'no') {
      this.#approval(turnId, id, 'requested', 'pending');
      this.#approval(turnId, id, 'decided', planned.asks);
    }
    if (planned.hasResult) this.#result(turnId, parent, { id, isError: planned.isError });
  }

  #use(turnId: string, parent: string | null, name: string): string {
    const id = `toolu_${++this.#ids}`;
    this.#say(turnId, parent, { type: 'tool_use', id, name, input: { n: this.#ids } });
    return id;
  }

  #say(turnId: string, parent: string | null, block: object, supersedes?: string[]): void {
    const content = [block];
    const message = { id: `msg_${++this.#ids}`, content };
    const uuid = this.#sdk(turnId, { type: 'assistant', parent_tool_use_id: parent, message, supersedes });
    this.#lastUuid = uuid;
  }

  #result(turnId: string, parent: string | null, { id, isError }: { id: string; isError: boolean }): void {
    const content = [{ type: 'tool_result', tool_use_id: id, content: 'out', is_error: isError }];
    this.#sdk(turnId, { type: 'user', parent_tool_use_id: parent, message: { content } });
  }

  #prompt(turnId: string, turn: number, delivery: string): void {
    this.#add('prompt', turnId, { turn, text: `prompt ${turn}`, delivery, images: 0 });
    this.#phase(turnId, turn, 'queued', 'queued');
  }

  #phase(turnId: string, turn: number, phase: string, state: string): void {
    const error = state === 'error' ? { code: 'api_error', message: 'it failed' } : null;
    this.#add('turn', turnId, { turn, phase, state, error, cost_usd: null, steered_into: null });
  }

  #goOn({ isTold, loses }: Extract<Step, { type: 'goOn' }>, turnId: string): void {
    const lost = loses && this.#lastUuid !== null ? [this.#lastUuid] : [];
    const by = isTold ? 'note' : 'request';
    const data = { phase: 'continued', state: 'running', error: null, cost_usd: null, steered_into: null };
    this.#add('turn', turnId, { ...data, turn: 1, continued_by: by, reason: 'server_stopped', lost });
  }

  #approval(turnId: string, callId: string, phase: string, status: string): void {
    const approval = { approval_id: `approval-${callId}`, tool_use_id: callId, status };
    this.#add('approval', turnId, { phase, approval });
  }

  #sdk(turnId: string, data: object): string {
    const uuid = `uuid-${++this.#ids}`;
    this.#add('sdk', turnId, { uuid, ...data });
    return uuid;
  }

  #add(kind: SessionEvent['kind'], turnId: string, data: object): void {
    const seq = this.events.length + 1;
    const at = new Date(seq * 1_000).toISOString();
    this.events.push({ seq, kind, turn_id: turnId, at, data } as unknown as SessionEvent);
  }
}

/** The pieces in which the message of an event was written. */
export function piecesOf(event: SessionEvent): DeltaEvent[] {
  if (event.kind !== 'sdk' || event.data.type !== 'assistant') return [];
  const { parent_tool_use_id: parent, message } = event.data as unknown as {
    parent_tool_use_id: string | null;
    message: { id: string; content: Record<string, string>[] };
  };
  return message.content.map((block): DeltaEvent => {
    const isCall = block.type === 'tool_use';
    const text = block.text ?? block.thinking ?? JSON.stringify(block.input);
    const kind: DeltaEvent['data']['block'] = isCall ? 'tool_input' : (block.type as 'text' | 'thinking');
    const tool = isCall ? { id: block.id ?? '', name: block.name ?? '' } : null;
    const data = { message_id: message.id, parent_tool_use_id: parent, index: 0, block: kind, text, tool };
    return { kind: 'delta', turn_id: event.turn_id, data: { ...data, offset: 0 } };
  });
}
