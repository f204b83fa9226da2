import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seccompFilter } from './seccomp.ts';

const ALLOW = 0x7fff0000;
const refused = (errno: number): number => 0x00050000 | errno;

const X64 = 0xc000003e;
const ARM64 = 0xc00000b7;

type Call = { audit: number; number: number; args?: number[] };

/** What the kernel would do with a call: the few instructions of classic BPF that the filter uses. */
function run(filter: Buffer, { audit, number, args = [] }: Call): number {
  const description = new Map([
    [0, number],
    [4, audit],
    ...args.map((value, index): [number, number] => [16 + 8 * index, value]),
  ]);
  let loaded = 0;
  for (let at = 0; ; at++) {
    const code = filter.readUInt16LE(at * 8);
    const [ifTrue, ifFalse] = [filter.readUInt8(at * 8 + 2), filter.readUInt8(at * 8 + 3)];
    const value = filter.readUInt32LE(at * 8 + 4);
    if (code === 0x06) return value;
    if (code === 0x20) {
      loaded = description.get(value) ?? 0;
      continue;
    }
    const test = { 21: loaded === value, 53: loaded >= value, 69: (loaded & value) !== 0 }[code];
    assert.notEqual(test, undefined, `instruction ${at} has the unknown code ${code}`);
    at += test ? ifTrue : ifFalse;
  }
}

function filterFor(architecture: string): Buffer {
  return seccompFilter(architecture) ?? assert.fail(`no filter for ${architecture}`);
}

describe('the system call filter', () => {
  const x64 = filterFor('x64');
  const arm64 = filterFor('arm64');

  it('allows ordinary calls', () => {
    for (const number of [0, 1, 2, 9, 57, 59, 202, 231, 257, 439]) {
      assert.equal(run(x64, { audit: X64, number }), ALLOW, `x64 ${number}`);
    }
    for (const number of [56, 63, 64, 93, 98, 215, 221, 222, 439]) {
      assert.equal(run(arm64, { audit: ARM64, number }), ALLOW, `arm64 ${number}`);
    }
  });

  it('refuses mounts, namespaces, tracing, BPF, io_uring, keys, modules and clocks', () => {
    for (const number of [165, 166, 155, 272, 308, 101, 310, 321, 298, 425, 248, 323, 304, 175, 227, 429]) {
      assert.equal(run(x64, { audit: X64, number }), refused(1), `x64 ${number}`);
    }
    for (const number of [40, 39, 41, 97, 268, 117, 270, 280, 241, 425, 217, 282, 265, 105, 112, 429]) {
      assert.equal(run(arm64, { audit: ARM64, number }), refused(1), `arm64 ${number}`);
    }
  });

  it('lets clone make threads and processes, but no namespaces, and hides clone3', () => {
    const [threads, newUser, newMount] = [0x003d0f00, 0x10000000, 0x00020000];
    for (const [filter, audit, number] of [
      [x64, X64, 56],
      [arm64, ARM64, 220],
    ] as const) {
      assert.equal(run(filter, { audit, number, args: [threads] }), ALLOW);
      assert.equal(run(filter, { audit, number, args: [newUser | 17] }), refused(1));
      assert.equal(run(filter, { audit, number, args: [newMount] }), refused(1));
      assert.equal(run(filter, { audit, number: 435 }), refused(38));
    }
  });

  it('allows four families of sockets', () => {
    for (const number of [41, 53]) {
      for (const family of [1, 2, 10, 16]) {
        assert.equal(run(x64, { audit: X64, number, args: [family] }), ALLOW, `family ${family}`);
      }
      // Packets, kernel crypto, Bluetooth, virtual machines.
      for (const family of [17, 38, 31, 40]) {
        assert.equal(run(x64, { audit: X64, number, args: [family] }), refused(97), `family ${family}`);
      }
    }
  });

  it('refuses to type into a terminal, and leaves other controls alone', () => {
    assert.equal(run(x64, { audit: X64, number: 16, args: [0, 0x5412] }), refused(1));
    assert.equal(run(x64, { audit: X64, number: 16, args: [0, 0x541c] }), refused(1));
    assert.equal(run(x64, { audit: X64, number: 16, args: [0, 0x5413] }), ALLOW);
  });

  it('refuses every call of another architecture, and of x32', () => {
    assert.equal(run(x64, { audit: 0x40000003, number: 1 }), refused(1));
    assert.equal(run(arm64, { audit: X64, number: 1 }), refused(1));
    assert.equal(run(x64, { audit: X64, number: 0x40000000 | 1 }), refused(1));
  });

  it('is not there for an architecture without a table', () => {
    assert.equal(seccompFilter('s390x'), null);
  });
});
