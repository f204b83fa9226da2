import { newApprovalId } from '../../ground/ids.ts';
import type { ApprovalKind } from '../../session/approval/approval.ts';
import { type ApprovalRow, listUndelivered } from '../../session/approval/store.ts';
import { optionDefaults } from '../../session/options/fields.ts';
import type { SessionOptions } from '../../session/session.ts';
import type { TurnError } from '../../session/turn/turn.ts';
import type { ClientToolAnswer, ClientToolCall } from '../agent/client-tools.ts';
import type { CallOfTool, ToolCall, ToolDecision } from '../agent/permissions.ts';
import {
  asksAbout,
  deliverApproval,
  findDecided,
  isForSession,
  openApproval,
  withdrawQuestion,
} from '../hold/approvals.ts';
import type { HeldSession } from '../hold/held-session.ts';

/** What the desk knows of the turn that asks. */
export type Asker = {
  turnId: string | null;
  options: SessionOptions;
  /** Calls under way, with their input as the model wrote it. */
  openCalls: ReadonlyMap<string, Record<string, unknown>>;
  /** Resolves when everything that the agent has said so far is stored. */
  stored: Promise<void>;
};

type DeskOptions = {
  asker: () => Asker;
  /** Resolves when what the agent said before its question is put down: only then the turn that asks is known. */
  caughtUp: () => Promise<void>;
  beforeAsking: () => Promise<void>;
  /** Something was allowed for the rest of the session. */
  onGrant: () => Promise<void>;
  /** An answer, or the lack of one, says that the turn is to fail. */
  onEnding: (error: TurnError) => void;
  /** Somebody began to wait, or no longer does. */
  onChange: () => void;
  /** Whether the process has ended: then the question stands, and the next one asks it again. */
  isGone: () => boolean;
};

type Waiting = { toolUseId: string; agentId: string | null; resolve: (row: ApprovalRow) => void };

/**
 * Where the calls of one agent process wait for a person. What is asked and what was answered is in the database; the
 * desk only waits for it. When the process ends the desk is left as it is: a new one belongs to the next process.
 */
export class ApprovalDesk {
  readonly #held: HeldSession;
  readonly #asker: () => Asker;
  readonly #onChange: () => void;
  readonly #onGrant: () => Promise<void>;
  readonly #onEnding: (error: TurnError) => void;
  readonly #caughtUp: () => Promise<void>;
  readonly #beforeAsking: () => Promise<void>;
  readonly #isGone: () => boolean;
  readonly #waiting = new Map<string, Waiting>();
  readonly #calls = new Set<string>();
  readonly #results = new Map<string, ClientToolAnswer>();
  /** What a turn had asked before it came here; read once. */
  #earlier: { turnId: string; rows: Promise<ApprovalRow[]> } | null = null;
  #isClosed = false;

  constructor(
    held: HeldSession,
    { asker, caughtUp, beforeAsking, onGrant, onEnding, onChange, isGone }: DeskOptions,
  ) {
    this.#held = held;
    this.#asker = asker;
    this.#caughtUp = caughtUp;
    this.#beforeAsking = beforeAsking;
    this.#onChange = onChange;
    this.#onGrant = onGrant;
    this.#onEnding = onEnding;
    this.#isGone = isGone;
  }

  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Whether all of these calls of the main agent wait here, and nothing else does. */
  holdsAll(openCalls: Iterable<string>): boolean {
    const waiting = [...this.#waiting.values()];
    // A subagent cannot be brought back in the middle of its work.
    if (waiting.length === 0 || waiting.some((call) => call.agentId !== null)) return false;
    const held = new Set(waiting.map((call) => call.toolUseId));
    return [...openCalls].every((id) => held.has(id));
  }

  /** Asks, and waits until somebody has answered, or nobody has in time. */
  async decide(call: ToolCall): Promise<ToolDecision> {
    this.#calls.add(call.toolUseId);
    await this.#caughtUp();
    // A process that has ended asks nobody; the next one does.
    if (this.#isGone()) return deny(WITHDRAWN);
    const { turnId, options, openCalls, stored } = this.#asker();
    if (turnId === null) {
      return deny('Nobody can be asked for permission while no turn is running.');
    }
    await stored;
    await this.#beforeAsking();
    const approval = {
      id: newApprovalId(),
      sessionId: this.#held.id,
      turnId,
      kind: kindOf(call),
      toolName: call.toolName,
      toolUseId: call.toolUseId,
      agentId: call.agentId,
      input: call.input,
      details: {
        description: call.description,
        plan: planOf(call, openCalls.get(call.toolUseId)),
        rules: call.rules,
      },
      timeoutSeconds: options.approval_timeout_s ?? optionDefaults.approval_timeout_s,
    };
    const live = new Set([...this.#calls].filter((id) => id !== call.toolUseId));
    const asked = await this.#held.persist(
      async (db, hold) => await openApproval(db, hold, { approval, live }),
    );
    this.#held.publish(asked.events);
    if (asked.approval === 'over') return deny(WITHDRAWN);
    if (asked.approval === 'granted') return { behavior: 'allow', input: call.input };
    const row = asked.approval.status === 'pending' ? await this.#wait(asked.approval, call) : asked.approval;
    if (row.status === 'pending') {
      await this.#withdraw(row.id);
      return deny(WITHDRAWN);
    }
    await this.#held.persist(async (db, hold) => await deliverApproval(db, hold, row.id));
    if (isForSession(row)) await this.#onGrant();
    return this.#toDecision(row, call, options);
  }

  /**
   * Whether somebody was asked about this call, of the main agent, before this process was there: then the answer decides, also
   * where the call would run without one by now, since the mode or what is granted has changed. Client tools, questions and plans
   * are asked about in any case.
   */
  async wasAsked({ toolName: tool, toolUseId, input }: CallOfTool): Promise<boolean> {
    const { turnId } = this.#asker();
    if (turnId === null) return false;
    if (this.#earlier?.turnId !== turnId) {
      const rows = this.#held.persist(async (db) => await listUndelivered(db, turnId));
      this.#earlier = { turnId, rows };
    }
    const earlier = await this.#earlier.rows;
    const isSame = asksAbout({ tool, input });
    const found = earlier.findIndex(
      (row) => row.kind === 'tool' && row.agent_id === null && (row.tool_use_id === toolUseId || isSame(row)),
    );
    if (found < 0) return false;
    earlier.splice(found, 1);
    return true;
  }

  async #withdraw(id: string): Promise<void> {
    if (this.#isClosed || this.#isGone()) return;
    await this.#held.record(async (db, hold) => await withdrawQuestion(db, hold, id));
  }

  async #wait(approval: ApprovalRow, call: ToolCall): Promise<ApprovalRow> {
    const { promise, resolve } = Promise.withResolvers<ApprovalRow>();
    this.#waiting.set(approval.id, { toolUseId: call.toolUseId, agentId: call.agentId, resolve });
    const forget = (): void => {
      if (this.#waiting.delete(approval.id)) this.#onChange();
      // The turn was stopped, or the agent does not need to know any more.
      resolve({ ...approval, answer: null });
    };
    call.signal.addEventListener('abort', forget, { once: true });
    this.#onChange();
    if (call.signal.aborted) forget();
    // Answered between the question and this line.
    await this.notice();
    return await promise;
  }

  /** The process is about to end: it is told of no more answers. */
  close(): void {
    this.#isClosed = true;
  }

  /** Something may have been decided. */
  async notice(): Promise<void> {
    const ids = [...this.#waiting.keys()];
    const rows = await this.#held.persist(async (db) => await findDecided(db, ids));
    // Read for a process that is ended meanwhile: the answer is for the next one.
    if (this.#isClosed) return;
    for (const row of rows) {
      const waiting = this.#waiting.get(row.id);
      this.#waiting.delete(row.id);
      waiting?.resolve(row);
    }
    if (rows.length > 0) this.#onChange();
  }

  #toDecision(row: ApprovalRow, call: ToolCall, options: SessionOptions): ToolDecision {
    const { answer } = row;
    if (row.status === 'expired') {
      const endsTurn = options.approval_timeout_action === 'end_turn';
      const message = `Nobody answered within the time allowed (until ${row.expires_at.toISOString()}).`;
      if (endsTurn) this.#onEnding({ code: 'approval_expired', message });
      return deny(message, endsTurn);
    }
    // Its turn is over; the process will learn that in a moment.
    if (answer === null) return deny(WITHDRAWN);
    if ('answers' in answer) {
      const answers = Object.fromEntries(
        Object.entries(answer.answers).map(([question, given]) => [question, [given].flat().join(', ')]),
      );
      return { behavior: 'allow', input: { ...call.input, answers } };
    }
    if ('result' in answer) {
      this.#results.set(call.toolUseId, answer.result);
      return { behavior: 'allow', input: call.input };
    }
    if (answer.decision === 'deny') {
      const message = answer.message ?? 'The user denied this.';
      if (answer.interrupt) this.#onEnding({ code: 'interrupted', message });
      else if (call.isClientTool) {
        // As the tool's own answer: a refusal by the hook would read like a fault of the server.
        this.#results.set(call.toolUseId, { content: message, is_error: true });
        return { behavior: 'allow', input: call.input };
      }
      return deny(message, answer.interrupt);
    }
    const allowed = { behavior: 'allow' as const, input: answer.updated_input ?? call.input };
    const { permission_mode: mode } = answer;
    return mode === undefined ? allowed : { ...allowed, mode };
  }

  /** What the caller gave for a call of a client tool that was let through. */
  async answerClientTool({ toolUseId, name }: ClientToolCall): Promise<ClientToolAnswer> {
    const result = this.#results.get(toolUseId);
    if (result === undefined) throw new Error(`the call of ${name} was never answered`);
    this.#results.delete(toolUseId);
    return result;
  }
}

const WITHDRAWN = 'The question was withdrawn.';

function deny(message: string, interrupt = false): ToolDecision {
  return { behavior: 'deny', message, interrupt };
}

function kindOf(call: ToolCall): ApprovalKind {
  if (call.isClientTool) return 'client_tool';
  if (call.toolName === 'AskUserQuestion') return 'question';
  return call.toolName === 'ExitPlanMode' ? 'plan' : 'tool';
}

/** The agent program does not pass the plan on with the question; it stands in the model's call. */
function planOf({ toolName, input }: ToolCall, asWritten: Record<string, unknown> = {}): string | null {
  const plan = input.plan ?? asWritten.plan;
  return toolName === 'ExitPlanMode' && typeof plan === 'string' ? plan : null;
}
