import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { errorMessage } from '../../ground/errors.ts';
import { identify, isAlive, type ProcessIdentity, sendSignal } from './process-identity.ts';

export type ResourceLimits = { memoryBytes: number; processes: number; cpus: number | null };

type Mount = { root: string; point: string; controllers: string[]; isUnified: boolean };

/** A directory of a hierarchy in which groups can be made, and the files that set limits there. */
type Parent = {
  path: string;
  limits: [file: string, value: string][];
  optional: [file: string, value: string][];
};

const PERIOD_US = 100_000;
const KILL_ROUNDS = 200;
const REMOVE_PATIENCE_MS = 500;

/**
 * The kernel's groups that cap what all processes of one sandbox use together: memory, processes, processor time.
 * Version 2 where the server's own group was delegated to it, and version 1.
 */
export class Cgroups {
  readonly #parents: Parent[];
  readonly #ended = new Set<Cgroup>();

  private constructor(parents: Parent[]) {
    this.#parents = parents;
  }

  /** @returns null and why, where this process may make none */
  static open(
    limits: ResourceLimits,
    name: string,
    processDirectory = '/proc/self',
  ): { cgroups: Cgroups | null; reason: string } {
    try {
      const mounts = parseMounts(readFileSync(join(processDirectory, 'mountinfo'), 'utf8'));
      const own = parseMembership(readFileSync(join(processDirectory, 'cgroup'), 'utf8'));
      const parents = unifiedParents(mounts, own, limits) ?? legacyParents(mounts, own, limits);
      for (const parent of parents) parent.path = makeParent(parent.path, name);
      const cgroups = new Cgroups(parents);
      cgroups.#removeLeftovers();
      return { cgroups, reason: '' };
    } catch (error) {
      return { cgroups: null, reason: errorMessage(error) };
    }
  }

  /** A group for one sandbox, empty until a process writes itself into `joinFiles`. */
  create(name: string): Cgroup {
    this.#removeEnded();
    const paths = this.#parents.map(({ path, limits, optional }) => {
      const group = join(path, name);
      mkdirSync(group);
      for (const [file, value] of limits) writeFileSync(join(group, file), value);
      for (const [file, value] of optional)
        if (existsSync(join(group, file))) writeFileSync(join(group, file), value);
      return group;
    });
    return new Cgroup(paths);
  }

  /** Once its processes have ended: as long as nobody has collected one of them, the group stays a little longer. */
  discard(group: Cgroup): void {
    this.#ended.add(group);
    this.#removeEnded();
  }

  #removeEnded(): void {
    for (const group of this.#ended) if (group.remove()) this.#ended.delete(group);
  }

  /** Of an earlier server, with whatever still runs in them: nobody else has groups of this name. */
  #removeLeftovers(): void {
    for (const { path } of this.#parents) {
      const groups = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
      for (const { name } of groups) new Cgroup([join(path, name)]).end();
    }
  }

  /** Takes the empty groups of this server away. */
  [Symbol.dispose](): void {
    this.#removeEnded();
    new Cgroup(this.#parents.map(({ path }) => path)).remove();
  }
}

export class Cgroup {
  readonly #paths: string[];

  constructor(paths: string[]) {
    this.#paths = paths;
  }

  get joinFiles(): string[] {
    return this.#paths.map((path) => join(path, 'cgroup.procs'));
  }

  /** The limit that its processes ran into, as far as the kernel counts that. */
  exhausted(): string | null {
    const memory = this.#count('memory.oom_control', 'oom_kill') + this.#count('memory.events', 'oom_kill');
    if (memory > 0) return 'memory';
    return this.#count('pids.events', 'max') > 0 ? 'processes' : null;
  }

  #count(file: string, key: string): number {
    const counts = this.#paths.map((path) => {
      const found = join(path, file);
      if (!existsSync(found)) return 0;
      return Number(new RegExp(`^${key} (\\d+)$`, 'm').exec(readFileSync(found, 'utf8'))?.[1] ?? 0);
    });
    return Math.max(0, ...counts);
  }

  /** @returns false when the kernel still holds it */
  remove(): boolean {
    return this.#paths.map(removeGroup).every((isRemoved) => isRemoved);
  }

  /** Kills what is in it, and removes it. */
  end(): void {
    for (const path of this.#paths) killGroup(path);
    const deadline = performance.now() + REMOVE_PATIENCE_MS;
    while (!this.remove() && performance.now() < deadline) pause();
  }
}

function killGroup(path: string): void {
  const atOnce = join(path, 'cgroup.kill');
  if (existsSync(atOnce)) {
    writeFileSync(atOnce, '1');
    return;
  }
  // Version 1: what is being killed may still fork, so again until nobody new is there.
  for (let round = 0; round < KILL_ROUNDS; round++) {
    const members = readMembers(path).filter(isAlive);
    if (members.length === 0) return;
    for (const { pid } of members) sendSignal(pid, 'SIGKILL');
    pause();
  }
}

function readMembers(path: string): ProcessIdentity[] {
  const file = join(path, 'cgroup.procs');
  const pids = existsSync(file) ? readWords(file).map(Number) : [];
  // 0 is one that this process cannot see, and to kill that would be to kill our own.
  return pids.filter((pid) => pid > 0).flatMap((pid) => identify(pid) ?? []);
}

/** For moments, at the start of a server. */
function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
}

function removeGroup(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return true;
    if (code === 'EBUSY' || code === 'ENOTEMPTY') return false;
    throw error;
  }
}

function makeParent(base: string, name: string): string {
  const path = join(base, name);
  mkdirSync(path, { recursive: true });
  const control = join(path, 'cgroup.subtree_control');
  if (existsSync(control)) writeFileSync(control, allOf(readWords(join(path, 'cgroup.controllers'))));
  return path;
}

function allOf(available: string[]): string {
  const wanted = ['memory', 'pids', 'cpu'].filter((controller) => available.includes(controller));
  return wanted.map((controller) => `+${controller}`).join(' ');
}

/** Version 2: one hierarchy, in which only groups without processes of their own can have limited ones below them. */
function unifiedParents(mounts: Mount[], own: Map<string, string>, limits: ResourceLimits): Parent[] | null {
  const mount = mounts.find(({ isUnified }) => isUnified);
  if (mount === undefined) return null;
  const current = pathIn(mount, own.get('') ?? '/');
  const available = readWords(join(current, 'cgroup.controllers'));
  if (!available.includes('memory') || !available.includes('pids')) return null;
  const base = delegate(current);
  const cpu = limits.cpus === null ? [] : [pair('cpu.max', `${cpuQuota(limits.cpus)} ${PERIOD_US}`)];
  return [
    {
      path: base,
      limits: [
        pair('memory.max', String(limits.memoryBytes)),
        pair('pids.max', String(limits.processes)),
        ...cpu,
      ],
      optional: [pair('memory.swap.max', '0')],
    },
  ];
}

const OWN_GROUP = 'server';

/** Makes room for limited groups: this process, alone in its group, moves into one below it. */
function delegate(current: string): string {
  const above = dirname(current);
  if (
    basename(current) === OWN_GROUP &&
    readWords(join(above, 'cgroup.subtree_control')).includes('memory')
  ) {
    return above;
  }
  const members = readWords(join(current, 'cgroup.procs'));
  // A launcher may wait for this process; whoever else is in the group is none of our business.
  const ours = [String(process.pid), String(process.ppid)];
  if (members.some((pid) => !ours.includes(pid))) {
    throw new Error(`the control group ${current} was not delegated to this server: others are in it`);
  }
  const own = join(current, OWN_GROUP);
  mkdirSync(own, { recursive: true });
  for (const pid of members) writeFileSync(join(own, 'cgroup.procs'), pid);
  writeFileSync(
    join(current, 'cgroup.subtree_control'),
    allOf(readWords(join(current, 'cgroup.controllers'))),
  );
  return current;
}

/** Version 1: a hierarchy for each kind of limit. */
function legacyParents(mounts: Mount[], own: Map<string, string>, limits: ResourceLimits): Parent[] {
  const parent = (controller: string, rest: Omit<Parent, 'path'>): Parent => {
    const mount = mounts.find(({ controllers }) => controllers.includes(controller));
    const membership = own.get(controller);
    if (mount === undefined || membership === undefined)
      throw new Error(`there is no control group for ${controller}`);
    return { path: pathIn(mount, membership), ...rest };
  };
  const memory = String(limits.memoryBytes);
  return [
    parent('memory', {
      limits: [pair('memory.limit_in_bytes', memory)],
      optional: [pair('memory.memsw.limit_in_bytes', memory)],
    }),
    parent('pids', { limits: [pair('pids.max', String(limits.processes))], optional: [] }),
    // Also without a limit: in a group of its own a sandbox is one among the machine's programs, however many it runs.
    ...(limits.cpus === null && !own.has('cpu')
      ? []
      : [parent('cpu', { limits: limits.cpus === null ? [] : cpuLimits(limits.cpus), optional: [] })]),
  ];
}

function cpuLimits(cpus: number): [string, string][] {
  return [pair('cpu.cfs_period_us', String(PERIOD_US)), pair('cpu.cfs_quota_us', String(cpuQuota(cpus)))];
}

function cpuQuota(cpus: number): number {
  return Math.round(cpus * PERIOD_US);
}

function pair(file: string, value: string): [string, string] {
  return [file, value];
}

/** The way to a group from where its hierarchy is mounted, which may be only a part of it. */
function pathIn({ root, point }: Mount, group: string): string {
  const below = relative(root, group);
  if (below.startsWith('..')) throw new Error(`the control group ${group} lies outside of what is mounted`);
  return join(point, below);
}

function readWords(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split(/\s+/)
    .filter((word) => word !== '');
}

/** Lines of `/proc/self/mountinfo` that are control groups. */
export function parseMounts(mountinfo: string): Mount[] {
  return mountinfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root = '/', point = ''] = before.split(' ');
    const [type = '', , options = ''] = after.split(' ');
    if (type !== 'cgroup' && type !== 'cgroup2') return [];
    return [{ root, point, controllers: options.split(','), isUnified: type === 'cgroup2' }];
  });
}

/** `/proc/self/cgroup`: controller → group; the empty name is the unified hierarchy. */
export function parseMembership(text: string): Map<string, string> {
  const groups = new Map<string, string>();
  for (const line of text.trim().split('\n')) {
    const [, controllers = '', ...path] = line.split(':');
    for (const controller of controllers.split(',')) groups.set(controller, path.join(':'));
  }
  return groups;
}
