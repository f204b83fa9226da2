import { describe, it } from 'node:test';
import fc from 'fast-check';
import { StayModel } from '../support/stay-model.ts';

const acts = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ do: 'read' as const }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('work' as const), folds: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('queue' as const), steers: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ do: 'cancel' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'wake' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), isLasting: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('request' as const), owes: fc.boolean() }) },
  { weight: 2, arbitrary: fc.constant({ do: 'take' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('timer' as const), index: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'evict' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'expire' as const }) },
);
type Act = typeof acts extends fc.Arbitrary<infer Value> ? Value : never;
const leaving = fc.constantFrom('no', 'no', 'drain', 'hurry') as fc.Arbitrary<'no' | 'drain' | 'hurry'>;

function act(model: StayModel, one: Act, n: number): void {
  if (one.do === 'read') model.read();
  else if (one.do === 'work') model.work(one.folds);
  else if (one.do === 'queue') model.queue(`m${n}`, one.steers);
  else if (one.do === 'cancel') model.cancel();
  else if (one.do === 'wake') model.wake();
  else if (one.do === 'crash') model.crash(one.isLasting);
  else if (one.do === 'request') model.request(one.owes);
  else if (one.do === 'take') model.takeFromQueue();
  else if (one.do === 'timer') model.fireTimer(one.index);
  else if (one.do === 'evict') model.post({ type: 'evict' });
  else model.expire();
}

/** Until nothing moves: each lets the others go on. */
function settle(model: StayModel): void {
  for (let n = 0; n < 2_000; n++) {
    model.work(false);
    model.read();
    model.takeFromQueue();
  }
}

describe('a stay, whatever happens in whatever order', () => {
  it('ends each turn once, has each message begun once, and leaves none behind', () => {
    const property = fc.property(
      fc.array(acts, { maxLength: 120 }),
      leaving,
      fc.boolean(),
      (steps, how, goesOn) => {
        const model = new StayModel({ goesOn });
        steps.forEach((one, n) => {
          act(model, one, n);
        });
        settle(model);
        if (how !== 'no') model.post({ type: 'leave', how });
        settle(model);
        model.check();
      },
    );
    fc.assert(property, { numRuns: 2_000 });
  });

  it('does so, too, when its server stops in the middle', () => {
    const property = fc.property(
      fc.array(acts, { maxLength: 80 }),
      leaving,
      fc.boolean(),
      (steps, how, goesOn) => {
        const model = new StayModel({ goesOn });
        steps.forEach((one, n) => {
          act(model, one, n);
        });
        if (how !== 'no') model.post({ type: 'leave', how });
        settle(model);
        model.check();
      },
    );
    fc.assert(property, { numRuns: 2_000 });
  });
});
