import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { countsPerNamespace } from './bwrap.ts';
import { Cgroups, parseMembership, parseMounts } from './cgroups.ts';
import { findUserRange } from './session-users.ts';

describe('where control groups are', () => {
  it('is read from the mounts, of either version', () => {
    const mounts = parseMounts(
      [
        '25 1 0:22 / / rw - ext4 /dev/vda rw',
        '30 25 0:26 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup rw,memory',
        '31 25 0:27 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate',
      ].join('\n'),
    );
    assert.deepEqual(
      mounts.map(({ root, point, isUnified }) => ({ root, point, isUnified })),
      [
        { root: '/', point: '/sys/fs/cgroup/memory', isUnified: false },
        { root: '/docker/abc', point: '/sys/fs/cgroup', isUnified: true },
      ],
    );
    assert.ok(mounts[0]?.controllers.includes('memory'));
  });

  it('knows the group of this process, by controller, also where its name has colons', () => {
    const groups = parseMembership('8:pids:/a\n4:cpu,cpuacct:/b:c\n0::/user.slice/x.service\n');
    assert.equal(groups.get('pids'), '/a');
    assert.equal(groups.get('cpuacct'), '/b:c');
    assert.equal(groups.get(''), '/user.slice/x.service');
  });
});

/** A directory that looks like a version 2 hierarchy, with this process in its group `unit`. */
class FakeHierarchy {
  readonly root = mkdtempSync(join(tmpdir(), 'cgroup-test-'));

  constructor(processes: readonly number[]) {
    mkdirSync(join(this.root, 'unit'));
    const own = { 'cgroup.controllers': 'cpuset cpu io memory pids', 'cgroup.subtree_control': '' };
    for (const [name, content] of Object.entries(own)) writeFileSync(join(this.root, 'unit', name), content);
    writeFileSync(join(this.root, 'unit', 'cgroup.procs'), processes.join('\n'));
    writeFileSync(join(this.root, 'mountinfo'), `31 25 0:27 / ${this.root} rw - cgroup2 cgroup2 rw\n`);
    this.moveTo('/unit');
  }

  moveTo(group: string): void {
    writeFileSync(join(this.root, 'cgroup'), `0::${group}\n`);
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), 'utf8');
  }

  open() {
    return Cgroups.open({ memoryBytes: 1024, processes: 7, cpus: 1.5 }, 'agents', this.root);
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true });
  }
}

describe('control groups of version 2', () => {
  it('are made beside the one that the server moves to, with the limits', () => {
    using hierarchy = new FakeHierarchy([process.pid]);
    const { cgroups, reason } = hierarchy.open();
    assert.ok(cgroups, reason);
    assert.equal(hierarchy.read('unit/server/cgroup.procs'), String(process.pid));
    assert.equal(hierarchy.read('unit/cgroup.subtree_control'), '+memory +pids +cpu');
    const group = cgroups.create('one');
    assert.deepEqual(group.joinFiles, [join(hierarchy.root, 'unit/agents/one/cgroup.procs')]);
    const limits = ['memory.max', 'pids.max', 'cpu.max'].map((file) =>
      hierarchy.read(`unit/agents/one/${file}`),
    );
    assert.deepEqual(limits, ['1024', '7', '150000 100000']);
  });

  it('tell which limit was reached', () => {
    using hierarchy = new FakeHierarchy([process.pid]);
    const group = hierarchy.open().cgroups?.create('one') ?? assert.fail('no groups');
    const count = (file: string, content: string): void =>
      writeFileSync(join(hierarchy.root, 'unit/agents/one', file), content);
    assert.equal(group.exhausted(), null);
    count('pids.events', 'max 3\n');
    assert.equal(group.exhausted(), 'processes');
    count('memory.events', 'low 0\nhigh 0\nmax 9\noom 1\noom_kill 1\noom_group_kill 0\n');
    assert.equal(group.exhausted(), 'memory');
  });

  it('are found again by a server that is started where an earlier one had moved to', () => {
    using hierarchy = new FakeHierarchy([process.pid]);
    hierarchy.open();
    // As the kernel shows what was written.
    for (const file of ['server/cgroup.controllers', 'cgroup.subtree_control'])
      writeFileSync(join(hierarchy.root, 'unit', file), 'cpu memory pids');
    hierarchy.moveTo('/unit/server');
    const { cgroups, reason } = hierarchy.open();
    assert.ok(cgroups, reason);
    cgroups.create('two');
    assert.ok(existsSync(join(hierarchy.root, 'unit/agents/two')));
  });

  it('of an earlier server are ended with what is in them: all at once where the kernel can, else one by one', async () => {
    using hierarchy = new FakeHierarchy([process.pid]);
    const child = spawn('sleep', ['1000']);
    const exited = once(child, 'exit');
    for (const name of ['new', 'old'])
      mkdirSync(join(hierarchy.root, 'unit/agents', name), { recursive: true });
    writeFileSync(join(hierarchy.root, 'unit/agents/new/cgroup.kill'), '');
    // Whom this process cannot see is shown as 0.
    writeFileSync(join(hierarchy.root, 'unit/agents/old/cgroup.procs'), `0\n${child.pid}\n`);
    assert.ok(hierarchy.open().cgroups);
    assert.equal(hierarchy.read('unit/agents/new/cgroup.kill'), '1');
    assert.deepEqual(await exited, [null, 'SIGKILL']);
  });

  it('are left alone where programs of others are in the group', () => {
    using hierarchy = new FakeHierarchy([process.pid, 1]);
    const { cgroups, reason } = hierarchy.open();
    assert.equal(cgroups, null);
    assert.match(reason, /was not delegated/);
    assert.ok(!existsSync(join(hierarchy.root, 'unit/server')));
  });
});

describe('the user ids of sessions', () => {
  it('lie beyond the accounts of a system', () => {
    assert.deepEqual(findUserRange('         0          0 4294967295\n'), { first: 200_000, count: 300_000 });
  });

  it('are fewer in a container that has fewer', () => {
    assert.deepEqual(findUserRange('0 100000 65536\n'), { first: 20_000, count: 40_000 });
    assert.deepEqual(findUserRange('0 1000 1\n1 100000 65536\n'), { first: 20_000, count: 40_000 });
  });

  it('are none where nearly none are mapped', () => {
    assert.equal(findUserRange('0 1000 1\n'), null);
  });
});

describe('a limit of processes', () => {
  it('counts what is inside since Linux 5.14', () => {
    for (const kernel of ['5.14.0', '5.15.0-91-generic', '6.1.0-18-amd64', '10.0']) {
      assert.ok(countsPerNamespace(kernel), kernel);
    }
    for (const kernel of ['5.13.19', '4.18.0-553.el8', '5.4.0'])
      assert.ok(!countsPerNamespace(kernel), kernel);
  });
});
