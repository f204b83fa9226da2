import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { roundToJoin } from './rounds.ts';

type Waiting = { tenant: number; arrival: number; round: number };

/** The queue as it is meant: what the real one does by its tables. */
class Line {
  readonly waiting: Waiting[] = [];
  #current = 0;
  #arrivals = 0;

  join(tenant: number): Waiting {
    const own = this.waiting.filter((other) => other.tenant === tenant).map(({ round }) => round);
    const round = roundToJoin(this.#current, own.length === 0 ? null : Math.max(...own));
    const session = { tenant, arrival: this.#arrivals++, round };
    this.waiting.push(session);
    return session;
  }

  take(): Waiting | undefined {
    this.waiting.sort((a, b) => a.round - b.round || a.arrival - b.arrival);
    const next = this.waiting.shift();
    if (next !== undefined) this.#current = Math.max(this.#current, next.round);
    return next;
  }

  leave(index: number): void {
    this.waiting.splice(index % Math.max(this.waiting.length, 1), 1);
  }
}

type Step = { join: number } | { leave: number } | 'take';
const tenants = fc.integer({ min: 0, max: 4 });
const joinOrTake = fc.oneof(fc.record({ join: tenants }), fc.constant('take' as const));
const anyStep = fc.oneof(joinOrTake, fc.record({ leave: fc.nat(50) }));

function run(line: Line, steps: readonly Step[]): Waiting[] {
  return steps.flatMap((step) => {
    if (step === 'take') return line.take() ?? [];
    if ('join' in step) line.join(step.join);
    else line.leave(step.leave);
    return [];
  });
}

describe('rounds of the queue', () => {
  it('take the sessions of a tenant in the order of their arrival', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 200 }), (steps) => {
        const taken = run(new Line(), steps);
        for (const own of Map.groupBy(taken, ({ tenant }) => tenant).values()) {
          const arrivals = own.map(({ arrival }) => arrival);
          assert.deepEqual(
            arrivals,
            arrivals.toSorted((a, b) => a - b),
          );
        }
      }),
    );
  });

  it('let nobody wait for ever, whatever comes later, also from tenants that were never seen', () => {
    fc.assert(
      fc.property(
        fc.array(anyStep, { maxLength: 100 }),
        tenants,
        fc.infiniteStream(fc.integer({ min: 0, max: 1_000 })),
        (steps, tenant, later) => {
          const line = new Line();
          run(line, steps);
          const ahead = line.waiting.filter((other) => other.tenant === tenant).length;
          const session = line.join(tenant);
          // As many come as are taken: the queue never gets shorter.
          const size = line.waiting.length;
          const rounds = session.round - Math.min(...line.waiting.map(({ round }) => round)) + 1;
          let taken = 0;
          for (const next of later) {
            taken++;
            if (line.take() === session) break;
            line.join(next);
            assert.ok(
              taken <= size * (rounds + 1),
              `still waits after ${taken}, with ${ahead} of its own ahead`,
            );
          }
        },
      ),
    );
  });

  it('let no more sessions of another tenant overtake one than there are of its own ahead of it', () => {
    fc.assert(
      fc.property(
        fc.array(joinOrTake, { maxLength: 100 }),
        tenants,
        fc.array(tenants),
        (steps, tenant, later) => {
          const line = new Line();
          run(line, steps);
          const ahead = line.waiting.filter((other) => other.tenant === tenant).length;
          const session = line.join(tenant);
          for (const next of later) line.join(next);
          const before = [];
          for (let next = line.take(); next !== session; next = line.take())
            before.push(next ?? assert.fail());
          const overtaking = before.filter(({ arrival }) => arrival > session.arrival);
          for (const [other, theirs] of Map.groupBy(overtaking, (one) => one.tenant)) {
            assert.notEqual(other, tenant);
            assert.ok(
              theirs.length <= ahead,
              `${theirs.length} of tenant ${other} overtook it; ${ahead} were ahead`,
            );
          }
        },
      ),
    );
  });

  it('go on in the order of arrival when they cannot be told apart any more', () => {
    assert.equal(roundToJoin(2 ** 31 - 1, null), 2 ** 31 - 1);
    assert.equal(roundToJoin(2 ** 31 - 2, 2 ** 31 - 1), 2 ** 31 - 1);
  });
});
