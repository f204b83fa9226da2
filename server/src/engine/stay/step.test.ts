import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AgentMessage } from '../agent/agent-process.ts';
import { parseResult, type ResultMessage } from '../hold/outcome.ts';
import {
  type Agent,
  type Effect,
  type Input,
  initialState,
  type Leaving,
  newAgent,
  type Run,
  type State,
  type Stay,
  step,
  type Turn,
} from './step.ts';
import type { Word } from './word.ts';

const message = { type: 'system', subtype: 'anything' } as unknown as AgentMessage;
const error = { code: 'timeout', message: 'It took too long.' } as const;
const crash = new Error('it ended');
const turn: Turn = { id: 'T', promptId: 'P', goesOn: true };
const ending: Turn = { ...turn, goesOn: false };
const next: Turn = { ...turn, id: 'U', promptId: 'Q' };
const kept: Turn = { ...turn, promptId: null };
const agent: Agent = newAgent;
const withAgents: Agent = { ...agent, agents: ['a1'] };

function result(ids: string[] = ['P'], changes: object = {}): ResultMessage {
  const said = { type: 'result', subtype: 'success', is_error: false, session_id: 's', result: 'done' };
  return parseResult({ ...said, num_turns: 1, duration_ms: 10, user_message_uuids: ids, ...changes });
}

const run: Run = {
  turn,
  agent,
  isBegun: false,
  unread: [],
  isHeld: false,
  result: null,
  awaitsTasks: false,
  failure: null,
};
const begun: Run = { ...run, isBegun: true };

const said = (word: Word): Input => ({ type: 'said', word, message });
const words: Record<string, Word> = {
  begins: { is: 'begins' },
  rests: { is: 'rests' },
  'takes the prompt': { is: 'takes', id: 'P' },
  'takes another': { is: 'takes', id: 'H' },
  'returns the prompt': { is: 'returns', id: 'P' },
  'returns another': { is: 'returns', id: 'H' },
  result: { is: 'result', result: result() },
  'tasks run': { is: 'tasks', agents: ['a1'], others: 1 },
  notice: { is: 'notice', text: 'a task is over' },
  other: { is: 'other' },
};

const inputs: Record<string, Input> = {
  claimed: { type: 'claimed' },
  unclaimed: { type: 'unclaimed' },
  chosen: { type: 'chosen', turn: next },
  nothing: { type: 'nothing' },
  seated: { type: 'seated' },
  unseated: { type: 'unseated', error: crash, isLasting: true },
  'unseated by a death': { type: 'unseated', error: crash, isLasting: false },
  ...Object.fromEntries(Object.entries(words).map(([name, word]) => [`says: ${name}`, said(word)])),
  gone: { type: 'gone', error: crash, isLasting: false },
  'gone for good': { type: 'gone', error: crash, isLasting: true },
  asks: { type: 'asks', calls: 0, owes: false },
  'asks, owing room': { type: 'asks', calls: 0, owes: true },
  handed: { type: 'handed', ids: ['H'] },
  'given again': { type: 'given_again', promptId: 'P2' },
  woken: { type: 'woken', turn: { ...kept, id: 'X' } },
  'released to nobody': { type: 'released', to: 'nobody' },
  'released to the queue': { type: 'released', to: 'queue' },
  'not released': { type: 'released', to: 'input' },
  queued: { type: 'queued' },
  stop: { type: 'stop', turnId: 'T' },
  'stop of another': { type: 'stop', turnId: 'Z' },
  expired: { type: 'expired', turnId: 'T', error },
  'expired: another': { type: 'expired', turnId: 'Z', error },
  failed: { type: 'failed', error },
  'waits only': { type: 'waiting', any: true, only: true, calls: 1 },
  'waits among others': { type: 'waiting', any: true, only: false, calls: 2 },
  'waits no more': { type: 'waiting', any: false, only: false, calls: 0 },
  'idle time': { type: 'timer', name: 'idle' },
  'park time': { type: 'timer', name: 'park' },
  'interrupt time': { type: 'timer', name: 'interrupt' },
  'hold time': { type: 'timer', name: 'hold' },
  'silence time': { type: 'timer', name: 'silence' },
  evict: { type: 'evict' },
  drain: { type: 'leave', how: 'drain' },
  hurry: { type: 'leave', how: 'hurry' },
};

/** What is done, in short. */
function brief(effect: Effect): string {
  switch (effect.do) {
    case 'finish':
      return `finish by ${effect.end.by}${effect.failure === null ? '' : ` as ${effect.failure.code}`}`;
    case 'end_agent':
      return `${effect.how} the agent`;
    case 'set_timer':
      return `time ${effect.name}`;
    case 'clear_timer':
      return `stop ${effect.name}`;
    case 'watch':
      return effect.runs ? 'watch' : 'do not watch';
    case 'show_tasks':
      return effect.awaits ? 'show tasks' : 'hide tasks';
    case 'put_back':
      return `put back ${effect.messageId}`;
    case 'note_read':
      return `note ${effect.messageId}`;
    case 'wake':
      return `wake for ${JSON.stringify(effect.notice)}`;
    case 'seat':
      return `seat ${effect.turn.id}`;
    case 'interrupt':
      return ['interrupt', ...effect.agents].join(' ');
    case 'park':
      return `park for ${effect.why}`;
    default:
      return effect.do;
  }
}

/** Where it is then, and what is done. Of what is said, that it is logged goes without saying. */
function play(stay: Stay, input: Input, leaving: Leaving = 'no'): string {
  const { state, effects } = step({ stay, leaving }, input);
  const done = effects.filter((effect) => effect.do !== 'log').map(brief);
  return [state.stay.at, ...done].join(' · ');
}

const quiet = 'do not watch · stop park · stop interrupt · stop hold · stop silence';
const finished = (by: string): string => `choosing · ${quiet} · finish by ${by} · choose`;
const parted = (why: string): string => `choosing · ${quiet} · park for ${why} · choose`;
const parks = `parking · ${quiet} · park the agent`;

const whileAsking = {
  gone: parted('crash'),
  'gone for good': finished('crash'),
  asks: 'asking · forward',
  'asks, owing room': 'asking · forward',
  queued: 'asking · hand_over',
  stop: 'stopping · interrupt · time interrupt',
  expired: 'stopping · interrupt · time interrupt',
  'waits only': 'asking · do not watch',
  'waits among others': 'working · do not watch · stop park',
  'waits no more': 'working · watch · stop park',
  'park time': parks,
  evict: parks,
  drain: parks,
  hurry: parks,
};

const whileWorking = {
  gone: parted('crash'),
  'gone for good': finished('crash'),
  asks: 'working · forward',
  'asks, owing room': parks,
  queued: 'working · hand_over',
  stop: 'stopping · interrupt · time interrupt',
  expired: 'stopping · interrupt · time interrupt',
  'waits only': 'asking · do not watch · time park',
  'waits among others': 'working · do not watch',
  'waits no more': 'working · watch',
  hurry: parks,
};

const whileStopping = {
  gone: finished('crash'),
  'gone for good': finished('crash'),
  asks: 'stopping · forward',
  'asks, owing room': 'stopping · forward',
  'interrupt time': 'stopping · kill the agent',
  hurry: 'stopping · kill the agent',
};

/** By state: what each input does that does anything. All others change nothing, and are logged at most. */
const table: { name: string; stay: Stay; does: Record<string, string> }[] = [
  {
    name: 'claiming',
    stay: { at: 'claiming' },
    does: { claimed: 'choosing · choose', unclaimed: 'ended' },
  },
  {
    name: 'choosing, with an agent',
    stay: { at: 'choosing', agent },
    does: { chosen: 'starting · watch · seat U', nothing: 'idle · time idle' },
  },
  {
    name: 'choosing, without one',
    stay: { at: 'choosing', agent: null },
    does: { chosen: 'starting · watch · seat U', nothing: 'releasing · release' },
  },
  {
    name: 'idle',
    stay: { at: 'idle', agent: { ...agent, notice: 'over' } },
    does: {
      'says: begins': 'idle · stop idle · wake for "over"',
      'says: takes the prompt': 'idle · kill the agent',
      'says: takes another': 'idle · kill the agent',
      'says: tasks run': 'idle · time idle',
      'says: notice': 'idle · time idle',
      woken: 'working · watch · hand_over',
      gone: 'releasing · stop idle · release',
      'gone for good': 'releasing · stop idle · release',
      asks: 'idle · forward',
      'asks, owing room': 'idle · forward',
      queued: 'choosing · stop idle · choose',
      'idle time': 'releasing · close the agent',
      evict: 'releasing · stop idle · close the agent',
      drain: 'releasing · stop idle · close the agent',
      hurry: 'releasing · stop idle · close the agent',
    },
  },
  {
    name: 'starting',
    stay: { at: 'starting', turn, agent: null, isStopped: false, failure: null },
    does: {
      seated: 'working · give_prompt · hand_over',
      unseated: finished('crash'),
      'unseated by a death': parted('crash'),
      asks: 'starting · forward',
      'asks, owing room': 'starting · forward',
      stop: 'starting · time interrupt',
      expired: 'starting · time interrupt',
    },
  },
  {
    name: 'starting a turn that does not go on',
    stay: { at: 'starting', turn: ending, agent: null, isStopped: false, failure: null },
    does: {
      seated: 'working · give_prompt · hand_over',
      unseated: finished('crash'),
      'unseated by a death': finished('crash'),
      asks: 'starting · forward',
      'asks, owing room': 'starting · forward',
      stop: 'starting · time interrupt',
      expired: 'starting · time interrupt',
    },
  },
  {
    name: 'starting, to go on with what another process began',
    stay: { at: 'starting', turn: kept, agent: null, isStopped: false, failure: null },
    does: {
      seated: 'working · time silence · hand_over',
      unseated: finished('crash'),
      'unseated by a death': parted('crash'),
      asks: 'starting · forward',
      'asks, owing room': 'starting · forward',
      stop: 'starting · time interrupt',
      expired: 'starting · time interrupt',
    },
  },
  {
    name: 'starting a turn that was stopped',
    stay: { at: 'starting', turn, agent, isStopped: true, failure: null },
    does: {
      seated: finished('stop'),
      unseated: finished('stop'),
      'unseated by a death': finished('stop'),
      asks: 'starting · forward',
      'asks, owing room': 'starting · forward',
      'interrupt time': 'starting · kill the agent',
    },
  },
  {
    name: 'starting a turn that has waited for its agent for too long',
    stay: { at: 'starting', turn, agent, isStopped: true, failure: error },
    does: {
      seated: finished('stop as timeout'),
      unseated: finished('stop as timeout'),
      'unseated by a death': finished('stop as timeout'),
      asks: 'starting · forward',
      'asks, owing room': 'starting · forward',
      'interrupt time': 'starting · kill the agent',
    },
  },
  {
    name: 'starting what goes on by itself, and was stopped',
    stay: { at: 'starting', turn: kept, agent: null, isStopped: true, failure: null },
    does: {
      seated: 'stopping · kill the agent',
      unseated: finished('stop'),
      'unseated by a death': finished('stop'),
      asks: 'starting · forward',
      'asks, owing room': 'starting · forward',
      'interrupt time': 'starting · kill the agent',
    },
  },
  {
    name: 'working, the prompt not begun',
    stay: { at: 'working', ...run, unread: ['H'] },
    does: {
      'says: takes another': 'working · note H',
      'says: returns the prompt': 'working · give_again',
      'says: returns another': 'working · put back H',
      ...whileWorking,
      asks: 'working · forward',
      'asks, owing room': 'working · forward',
      'silence time': parks,
    },
  },
  {
    name: 'working, to go on by itself, and nothing heard yet',
    stay: { at: 'working', ...run, turn: kept },
    does: {
      'says: begins': 'working · stop silence',
      ...whileWorking,
      asks: 'working · forward',
      'asks, owing room': 'working · forward',
      'silence time': parks,
    },
  },
  {
    name: 'working, begun',
    stay: { at: 'working', ...begun, result: result() },
    does: { 'says: rests': finished('result'), ...whileWorking },
  },
  {
    name: 'working on a turn that does not go on',
    stay: { at: 'working', ...begun, turn: ending },
    does: {
      'says: rests': finished('silence'),
      ...whileWorking,
      gone: finished('crash'),
      hurry: 'stopping · kill the agent',
    },
  },
  {
    name: 'working, a request held back',
    stay: { at: 'working', ...begun, isHeld: true },
    does: {
      'says: rests': finished('silence'),
      ...whileWorking,
      'waits no more': parks,
      'hold time': 'working · forward',
    },
  },
  {
    name: 'working, with a command in the background',
    stay: { at: 'working', ...begun, agent: { ...agent, others: 1 } },
    does: {
      'says: rests': finished('silence'),
      ...whileWorking,
      'asks, owing room': 'working · forward',
    },
  },
  {
    name: 'working, with a subagent in the background',
    stay: { at: 'working', ...begun, agent: withAgents },
    does: {
      'says: result': 'working · show tasks',
      'says: rests': finished('silence'),
      ...whileWorking,
      'asks, owing room': 'working · forward',
      stop: 'stopping · interrupt a1 · time interrupt',
      expired: 'stopping · interrupt a1 · time interrupt',
    },
  },
  {
    name: 'working, when all but a subagent in the background is done',
    stay: { at: 'working', ...begun, agent: withAgents, result: result(), awaitsTasks: true },
    does: {
      'says: begins': 'working · hide tasks',
      'says: rests': finished('result'),
      ...whileWorking,
      'asks, owing room': 'working · forward',
      stop: 'stopping · interrupt a1 · time interrupt',
      expired: 'stopping · interrupt a1 · time interrupt',
      'waits no more': 'working · watch · show tasks',
    },
  },
  {
    name: 'asking',
    stay: { at: 'asking', ...begun, unread: ['H'] },
    does: {
      'says: takes another': 'asking · note H',
      'says: returns another': 'asking · put back H',
      ...whileAsking,
    },
  },
  {
    name: 'asking, with nothing unread',
    stay: { at: 'asking', ...begun },
    does: {
      'says: rests': finished('silence'),
      ...whileAsking,
    },
  },
  {
    name: 'stopping, the prompt not begun',
    stay: { at: 'stopping', ...run, unread: ['H'] },
    does: {
      'says: takes another': 'stopping · note H',
      'says: returns another': 'stopping · put back H',
      ...whileStopping,
    },
  },
  {
    name: 'stopping, when a message crossed the rest of the agent',
    stay: { at: 'stopping', ...begun, result: result(), unread: ['H'] },
    does: {
      'says: takes another': 'stopping · note H',
      'says: returns another': 'stopping · put back H',
      'says: rests': 'stopping · kill the agent',
      ...whileStopping,
    },
  },
  {
    name: 'stopping, begun, since it took too long',
    stay: { at: 'stopping', ...begun, failure: error },
    does: {
      'says: rests': finished('silence as timeout'),
      ...whileStopping,
      gone: finished('crash as timeout'),
      'gone for good': finished('crash as timeout'),
    },
  },
  {
    name: 'parking',
    stay: { at: 'parking', turn, why: 'answer' },
    does: {
      gone: 'choosing · park for answer · choose',
      'gone for good': 'choosing · park for answer · choose',
    },
  },
  {
    name: 'releasing, the process still there',
    stay: { at: 'releasing', hasAgent: true },
    does: {
      gone: 'releasing · release',
      'gone for good': 'releasing · release',
      'released to nobody': 'ended',
      'released to the queue': 'ended',
      'not released': 'choosing · choose',
    },
  },
  {
    name: 'releasing',
    stay: { at: 'releasing', hasAgent: false },
    does: {
      'released to nobody': 'ended',
      'released to the queue': 'ended',
      'not released': 'choosing · choose',
    },
  },
  { name: 'ended', stay: { at: 'ended' }, does: {} },
];

describe('a stay', () => {
  for (const { name, stay, does } of table) {
    it(`${name}: does with each input what stands here, and nothing with others`, () => {
      for (const unknown of Object.keys(does)) assert.ok(inputs[unknown] !== undefined, unknown);
      for (const [what, input] of Object.entries(inputs)) {
        assert.equal(play(stay, input), does[what] ?? stay.at, what);
      }
    });
  }

  it('logs all that the agent says, from its start to its end, and nothing else', () => {
    for (const { name, stay } of table) {
      const hasAgent = !['claiming', 'choosing', 'ended'].includes(stay.at);
      for (const [what, input] of Object.entries(inputs)) {
        const logged = step({ stay, leaving: 'no' }, input).effects.filter((effect) => effect.do === 'log');
        assert.equal(logged.length, hasAgent && input.type === 'said' ? 1 : 0, `${name}: ${what}`);
      }
    }
  });

  it('logs what ends a turn before the end, and what begins one by itself after the beginning', () => {
    const order = (stay: Stay, input: Input): string[] =>
      step({ stay, leaving: 'no' }, input).effects.map((effect) => effect.do);
    const ending = order({ at: 'working', ...begun }, said({ is: 'rests' }));
    assert.ok(ending.indexOf('log') < ending.indexOf('finish'));
    const waking = order({ at: 'idle', agent }, said({ is: 'begins' }));
    assert.ok(waking.indexOf('wake') < waking.indexOf('log'));
  });

  it('begins nothing any more when its server is to stop', () => {
    for (const leaving of ['room', 'drain', 'hurry'] as const) {
      assert.equal(play({ at: 'claiming' }, { type: 'claimed' }, leaving), 'releasing · release');
      const working: Stay = { at: 'working', ...begun, result: result() };
      const done = `releasing · ${quiet} · finish by result · close the agent`;
      assert.equal(play(working, said({ is: 'rests' }), leaving), done);
      const waits: Input = { type: 'waiting', any: true, only: true, calls: 1 };
      assert.equal(play(working, waits, leaving), `parking · do not watch · ${quiet} · park the agent`);
    }
    assert.equal(play({ at: 'working', ...begun }, { type: 'leave', how: 'drain' }), 'working');
  });

  it('leaves at a request to the model, once every call before it has its result', () => {
    const asks = (calls: number): Input => ({ type: 'asks', calls, owes: false });
    const working: Stay = { at: 'working', ...begun };
    assert.equal(play(working, asks(0), 'drain'), parks);
    const { state } = step({ stay: working, leaving: 'drain' }, asks(2));
    assert.equal(play(working, asks(2), 'drain'), 'working · time hold');
    assert.equal(
      play(state.stay, { type: 'waiting', any: false, only: false, calls: 1 }, 'drain'),
      'working · watch',
    );
    assert.equal(play(state.stay, { type: 'waiting', any: false, only: false, calls: 0 }, 'drain'), parks);
    // A command in the background ends with its server; a subagent is waited for.
    assert.equal(play({ ...working, agent: { ...agent, others: 1 } }, asks(0), 'drain'), parks);
    assert.equal(play({ ...working, agent: withAgents }, asks(0), 'drain'), 'working · forward');
  });

  it('says why a turn parts with its process, and begins nothing before the session was given up', () => {
    const whyOf = (stay: Stay, input: Input, leaving: Leaving): string => {
      const { state } = step({ stay, leaving }, input);
      return 'why' in state.stay ? state.stay.why : state.stay.at;
    };
    const working: Stay = { at: 'working', ...begun };
    const asks: Input = { type: 'asks', calls: 0, owes: true };
    assert.equal(whyOf(working, asks, 'no'), 'room');
    assert.equal(whyOf(working, asks, 'drain'), 'server');
    assert.equal(whyOf(working, { type: 'leave', how: 'hurry' }, 'drain'), 'cut');
    assert.equal(
      whyOf({ at: 'working', ...run, turn: kept }, { type: 'timer', name: 'silence' }, 'no'),
      'silence',
    );
    const left = step({ stay: working, leaving: 'no' }, asks).state;
    const { state, effects } = step(left, { type: 'gone', error: crash, isLasting: false });
    assert.deepEqual(effects.map(brief), ['park for room', 'release']);
    assert.equal(step(state, { type: 'released', to: 'queue' }).state.stay.at, 'ended');
  });

  it('cuts off, when its server stops at once, what has no process yet', () => {
    const starting: Stay = { at: 'starting', turn, agent: null, isStopped: false, failure: null };
    assert.equal(play(starting, { type: 'leave', how: 'hurry' }), 'starting');
    assert.equal(play(starting, { type: 'seated' }, 'hurry'), parks);
    const left = `releasing · ${quiet} · park for cut · release`;
    assert.equal(play(starting, { type: 'unseated', error: crash, isLasting: true }, 'hurry'), left);
  });

  const all = (stay: Stay, ...given: Input[]): State =>
    given.reduce((state, input) => step(state, input).state, { stay, leaving: 'no' } as State);
  const resultOf = ({ stay }: State): ResultMessage | null => ('result' in stay ? stay.result : null);

  it('takes the rest of what was before a turn for no end of it', () => {
    const given = all({ at: 'working', ...run }, said({ is: 'begins' }), said({ is: 'rests' }));
    assert.equal(given.stay.at, 'working');
    const begins = said({ is: 'takes', id: 'P' });
    assert.equal(all(given.stay, begins, said({ is: 'rests' })).stay.at, 'choosing');
    const goesOn = all({ at: 'working', ...run, turn: kept }, said({ is: 'begins' }), said({ is: 'rests' }));
    assert.equal(goesOn.stay.at, 'choosing', 'it was given no prompt');
  });

  it('waits for a message that crossed the rest of the agent: it is part of the turn', () => {
    const handed: Input = { type: 'handed', ids: ['H'] };
    const crossed = all({ at: 'working', ...begun, result: result() }, handed, said({ is: 'rests' }));
    assert.equal(crossed.stay.at, 'working');
    const answered = [said({ is: 'takes', id: 'H' }), said({ is: 'begins' }), said({ is: 'rests' })];
    assert.equal(all(crossed.stay, ...answered).stay.at, 'choosing');
  });

  it('ends a turn that was stopped before its agent began it when that has given it back and rests', () => {
    const stopped = all({ at: 'working', ...run }, { type: 'stop', turnId: 'T' }, said({ is: 'rests' }));
    assert.equal(stopped.stay.at, 'stopping');
    const back = said({ is: 'returns', id: 'P' });
    assert.equal(all(stopped.stay, back, said({ is: 'rests' })).stay.at, 'choosing');
  });

  it('takes a message back only if it was not begun', () => {
    const handed: Input = { type: 'handed', ids: ['H', 'I'] };
    const { stay } = all({ at: 'working', ...begun }, handed, said({ is: 'takes', id: 'H' }));
    assert.equal(play(stay, said({ is: 'returns', id: 'H' })), 'working');
    assert.equal(play(stay, said({ is: 'returns', id: 'I' })), 'working · put back I');
  });

  it('adds the results of a turn up; what answers a message stands above what the agent says of its own', () => {
    const results = (...given: ResultMessage[]) =>
      resultOf(
        all({ at: 'working', ...begun }, ...given.map((each) => said({ is: 'result', result: each }))),
      );
    const first = result(['P'], { result: 'first', usage: { output_tokens: 5, service_tier: 'standard' } });
    const hint = result(['H'], { result: 'hint', usage: { output_tokens: 7 } });
    const own = result([], { result: 'own' });
    const both = results(first, hint);
    assert.deepEqual([both?.result, both?.num_turns, both?.duration_ms], ['hint', 2, 20]);
    assert.deepEqual(both?.usage, { output_tokens: 12, service_tier: 'standard' });
    assert.equal(results(first, own)?.result, 'first');
    assert.equal(results(own, first)?.result, 'first');
    assert.equal(results(own, result([], { result: 'later' }))?.result, 'later');
  });

  it('knows by its result that a prompt was begun, of however many messages that names some', () => {
    const said64 = result(Array.from({ length: 64 }, (_, n) => `H${n}`));
    const begins = said({ is: 'takes', id: 'P' });
    const many = all({ at: 'working', ...run }, begins, said({ is: 'result', result: said64 }));
    assert.equal(all(many.stay, said({ is: 'rests' })).stay.at, 'choosing');
    const named = all({ at: 'working', ...run }, said({ is: 'result', result: result() }));
    assert.equal(all(named.stay, said({ is: 'rests' })).stay.at, 'choosing');
  });

  it('begins at the claim', () => {
    assert.deepEqual(initialState, { stay: { at: 'claiming' }, leaving: 'no' });
  });
});
