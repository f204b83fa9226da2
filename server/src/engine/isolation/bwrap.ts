import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { release } from 'node:os';
import { basename, join } from 'node:path';
import type { Logger } from '../../ground/log.ts';
import type { Remover } from '../../ground/removal/remover.ts';
import type { SessionUser } from '../../ground/util/directory-user.ts';
import { findProgram } from '../../ground/util/find-program.ts';
import { isInside } from '../../ground/util/path-inside.ts';
import { makeMeter } from '../../workspace/disk/measure.ts';
import {
  bwrapArguments,
  etcContent,
  etcFiles,
  MANAGED_WORKSPACE,
  PROGRAM,
  SOCKET_DIRECTORY,
  systemMounts,
} from './bwrap-arguments.ts';
import { BwrapChild, descriptors } from './bwrap-child.ts';
import { type Cgroup, Cgroups, type ResourceLimits } from './cgroups.ts';
import { DiskWatch } from './disk-watch.ts';
import type {
  AgentChild,
  AgentCommand,
  AgentView,
  IsolationDriver,
  Sandbox,
  SandboxRequest,
  SelfTest,
} from './driver.ts';
import { startEgressProxy } from './egress.ts';
import { mountsOf, requireOpen, requireSafe, writeWarning } from './given-directories.ts';
import { exceptionsOf, PROXY_SOCKET, withForwarder } from './proxy-port.ts';
import { SandboxRecords } from './sandbox-records.ts';
import { seccompFilter } from './seccomp.ts';
import { SessionUsers } from './session-users.ts';
import { MARK_VARIABLE } from './stray-processes.ts';
import { testSandbox } from './try-sandbox.ts';

export type BwrapOptions = {
  /** Where the programs of the chain are looked for. */
  searchPath: string;
  dataDir: string;
  sessionsDirectory: string;
  /** Of this run of the server. */
  temporaryDirectory: string;
  remover: Pick<Remover, 'takeTemporary'>;
  nodeId: string;
  limits: ResourceLimits & { temporaryBytes: number; diskBytes: number };
  /** What agents may read beside the system. */
  readOnlyPaths: readonly string[];
  logger: Logger;
};

/** The most that a socket's path may have, and what comes after the base. */
const SOCKET_PATH_BYTES = 107;
const SOCKET = 'gw.sock';
/** Beside the sockets. */
const CA_CERTS = 'ca.pem';
const SOCKET_NAME = `0123456789abcdef/${SOCKET}`;

/** Writes the process into control groups, and becomes the next program: it stays the same process. */
const JOIN = `
n=$1; shift
while [ "$n" -gt 0 ]; do echo $$ >"$1" || exit 125; shift; n=$((n - 1)); done
exec "$@"
`;

/**
 * Inside, before all else: waits until the sandbox is noted, and ends when that will never be. Not bubblewrap's own way to
 * wait, which goes on when the server has died, and comes before the sandbox ends with bubblewrap.
 */
const GATE = `IFS= read -r _ <&${descriptors.go} || exit 125; exec ${descriptors.go}<&-; exec "$@"`;

/** Confines each agent process by bubblewrap: see docs/isolation.md. */
export class BwrapDriver implements IsolationDriver {
  readonly name = 'bwrap';
  readonly confines = true;
  readonly warnings: string[] = [];
  readonly #options: BwrapOptions;
  readonly #users: SessionUsers | null;
  readonly #cgroups: Cgroups | null;
  readonly #records: SandboxRecords;
  readonly #disk: DiskWatch;
  readonly #socketBase: string;
  readonly #etcDirectory: string;
  readonly #filterPath: string;
  readonly #home: string;

  constructor(options: BwrapOptions) {
    this.#options = options;
    const isRoot = process.getuid?.() === 0;
    this.#users = isRoot ? new SessionUsers(options.sessionsDirectory) : null;
    this.#records = new SandboxRecords(options.dataDir);
    const { cgroups, reason } = Cgroups.open(options.limits, groupName(options));
    this.#cgroups = cgroups;
    if (cgroups === null) this.warnings.push(`memory of agents is not limited: ${reason}`);
    const meter = makeMeter({ du: this.#program('du'), bwrap: this.#program('bwrap') });
    if (!meter.countsFiles) this.warnings.push('the number of files of agents is not limited: du is not GNU');
    this.#disk = new DiskWatch({
      directory: options.sessionsDirectory,
      maxBytes: options.limits.diskBytes,
      logger: options.logger,
      meter,
    });
    // The SDK looks at this path here, too: nobody's real home.
    this.#home = existsSync('/home/agent') ? `/home/agent-${options.nodeId.slice(0, 8)}` : '/home/agent';
    this.#socketBase = socketBase(options.temporaryDirectory);
    this.#etcDirectory = join(options.temporaryDirectory, 'etc');
    this.#filterPath = join(options.temporaryDirectory, 'seccomp.bpf');
    this.#writeFiles();
  }

  #writeFiles(): void {
    mkdirSync(this.#etcDirectory, { recursive: true, mode: 0o755 });
    const content = etcContent(this.#home);
    for (const name of etcFiles)
      writeFileSync(join(this.#etcDirectory, name), content[name], { mode: 0o644 });
    const filter = seccompFilter(process.arch);
    if (filter !== null) writeFileSync(this.#filterPath, filter, { mode: 0o600 });
  }

  /** Gives the session's directories to its user, and makes the place where its sockets are. */
  async prepare(request: SandboxRequest): Promise<Sandbox> {
    const view: AgentView = {
      home: this.#home,
      temporary: '/tmp',
      workspace: request.isManaged ? MANAGED_WORKSPACE : request.workspace.path,
      gatewaySocket: join(SOCKET_DIRECTORY, SOCKET),
      proxyExceptions: request.egress === null ? null : exceptionsOf(request.egress),
      extraCaCerts: request.extraCaCerts === null ? null : join(SOCKET_DIRECTORY, CA_CERTS),
    };
    const { user, warnings } = await this.#admit(request, view);
    // A copy: the file itself may be closed to the session's user.
    const certificates = request.extraCaCerts === null ? null : readFileSync(request.extraCaCerts);
    const socketDirectory = join(this.#socketBase, randomBytes(8).toString('hex'));
    mkdirSync(socketDirectory, { mode: 0o700 });
    if (user !== null) chownSync(socketDirectory, user.uid, user.gid);
    if (certificates !== null) writeFileSync(join(socketDirectory, CA_CERTS), certificates, { mode: 0o444 });
    const stopProxy =
      request.egress === null
        ? null
        : await startEgressProxy(join(socketDirectory, basename(PROXY_SOCKET)), request.egress);
    const release = (): void => {
      stopProxy?.();
      rmSync(socketDirectory, { recursive: true, force: true });
    };
    return {
      view,
      warnings,
      socketPath: join(socketDirectory, SOCKET),
      spawn: (command) => this.#spawn(command, { request, view, user, socketDirectory, release }),
      release,
    };
  }

  /** Who may work where it was told to. Throws when nobody may. */
  async #admit(
    { home, workspace, isManaged, additionalDirectories }: SandboxRequest,
    view: AgentView,
  ): Promise<{ user: SessionUser | null; warnings: string[] }> {
    const { dataDir, readOnlyPaths } = this.#options;
    const given = [...additionalDirectories, ...(isManaged ? [] : [workspace])];
    const around = { view, dataDir, readOnlyPaths: [...systemMounts, ...readOnlyPaths] };
    for (const directory of given) await requireSafe(directory, around);
    if (this.#users === null) return { user: null, warnings: [] };
    const owner = isManaged ? null : await workspace.stat();
    const user = await this.#users.give({ home, workspace: workspace.path }, owner);
    for (const directory of given) await requireOpen(directory, user);
    const warning = isManaged ? null : await writeWarning(workspace, user);
    return { user, warnings: warning === null ? [] : [warning] };
  }

  #spawn(command: AgentCommand, sandbox: Prepared): AgentChild {
    const { request, view, user, socketDirectory, release } = sandbox;
    const unpacked = command.unpacked === null ? null : takeUnpacked(command.unpacked, user);
    const mounts = mountsOf(request);
    const options = bwrapArguments({
      view,
      socketDirectory,
      program: command.command,
      environment: command.env,
      node: view.proxyExceptions === null ? null : process.execPath,
      home: request.home,
      held: mounts.map(({ seenAs }, index) => ({ descriptor: descriptors.directories + index, seenAs })),
      unpacked,
      readOnlyPaths: this.#options.readOnlyPaths,
      etcDirectory: this.#etcDirectory,
      temporaryBytes: this.#options.limits.temporaryBytes,
    });
    let cgroup: Cgroup | null = null;
    let filter: number | null = null;
    const giveUp = (): void => {
      if (cgroup !== null) this.#cgroups?.discard(cgroup);
      if (unpacked !== null) void this.#options.remover.takeTemporary(unpacked.path);
      release();
    };
    try {
      cgroup = this.#cgroups?.create(randomBytes(8).toString('hex')) ?? null;
      const [file = '', ...args] = this.#chain({ cgroup, user, view, args: command.args });
      filter = openSync(this.#filterPath, 'r');
      const child = spawn(file, args, {
        cwd: '/',
        // The agent's own variables go to bubblewrap by a pipe: outside, programs could be misled by them.
        env: { PATH: '/usr/bin:/bin', [MARK_VARIABLE]: command.mark },
        stdio: [
          ...(['pipe', 'pipe', 'pipe', filter, 'pipe', 'pipe', 'pipe'] as const),
          ...mounts.map(({ directory }) => directory.descriptor),
        ],
        detached: true,
      });
      const agent = new BwrapChild(child, {
        options: [...ownOptions, ...options],
        records: this.#records,
        cgroup,
        onGone: giveUp,
      });
      const own = [request.home, ...(request.isManaged ? [request.workspace.path] : [])];
      const unwatch = this.#disk.watch(own, () => agent.exceed('disk'));
      void agent.exited.then(unwatch);
      return agent;
    } catch (error) {
      giveUp();
      throw error;
    } finally {
      if (filter !== null) closeSync(filter);
    }
  }

  /** One process from the first program to bubblewrap; the last limits are set inside. */
  #chain({ cgroup, user, view, args }: Chain): string[] {
    const { processes, diskBytes } = this.#options.limits;
    const join = cgroup?.joinFiles ?? [];
    return [
      ...(join.length === 0 ? [] : ['/bin/sh', '-c', JOIN, 'sh', String(join.length), ...join]),
      ...(user === null ? [] : [this.#program('setpriv'), ...dropTo(user)]),
      ...[this.#program('bwrap'), '--args', String(descriptors.options), '--'],
      ...['/bin/sh', '-c', GATE, 'sh'],
      ...[realpathSync(this.#program('prlimit')), '--core=0:0', `--fsize=${diskBytes}:${diskBytes}`],
      ...(countsPerNamespace(release()) || user !== null ? [`--nproc=${processes}:${processes}`] : []),
      ...['--', ...(view.proxyExceptions === null ? [] : withForwarder), PROGRAM, ...args],
    ];
  }

  #program(name: string): string {
    return findProgram(name, this.#options.searchPath);
  }

  async selfTest(): Promise<SelfTest> {
    if (!existsSync(this.#filterPath)) return noFilter;
    const { temporaryDirectory } = this.#options;
    return await testSandbox({
      temporaryDirectory,
      prepare: async (request) => await this.prepare(request),
    });
  }

  [Symbol.dispose](): void {
    this.#disk[Symbol.dispose]();
    this.#cgroups?.[Symbol.dispose]();
    if (!isInside(this.#socketBase, this.#options.temporaryDirectory))
      rmSync(this.#socketBase, { recursive: true, force: true });
  }
}

type Chain = { cgroup: Cgroup | null; user: SessionUser | null; view: AgentView; args: string[] };

type Prepared = {
  request: SandboxRequest;
  view: AgentView;
  user: SessionUser | null;
  socketDirectory: string;
  release: () => void;
};

const ownOptions = ['--seccomp', String(descriptors.seccomp), '--info-fd', String(descriptors.info)];

/** Nobody else's: what is found in groups of this name at the next start is ended. A copied directory has the id too. */
function groupName({ nodeId, dataDir }: BwrapOptions): string {
  const digest = createHash('sha256').update(`${nodeId} ${dataDir}`).digest('hex');
  return `greenroom-${digest.slice(0, 16)}`;
}

const noFilter: SelfTest = {
  ok: false,
  detail: [`there is no system call filter for ${process.arch}`],
  hint: 'x64 and arm64 have one',
};

/** A place for sockets whose paths are short enough for the kernel. */
function socketBase(temporaryDirectory: string): string {
  const own = join(temporaryDirectory, 's');
  if (Buffer.byteLength(join(own, SOCKET_NAME)) > SOCKET_PATH_BYTES) {
    const other = mkdtempSync('/tmp/greenroom-');
    chmodSync(other, 0o711);
    return other;
  }
  mkdirSync(own, { recursive: true, mode: 0o711 });
  return own;
}

function dropTo({ uid, gid }: SessionUser): string[] {
  const user = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
  return [...user, '--no-new-privs', '--inh-caps=-all', '--bounding-set=-all'];
}

/**
 * What the SDK has just unpacked for this agent gets another name out here: the SDK deletes it by its path, which the
 * agent could lead elsewhere while it lives.
 */
function takeUnpacked(at: string, user: SessionUser | null): { path: string; at: string } {
  const path = `${at}.agent`;
  renameSync(at, path);
  if (user !== null) giveUnpacked(path, user);
  return { path, at };
}

/** Nobody else knows its name yet. */
function giveUnpacked(path: string, user: SessionUser): void {
  if (lstatSync(path).isDirectory())
    for (const name of readdirSync(path)) giveUnpacked(join(path, name), user);
  lchownSync(path, user.uid, user.gid);
}

/** Since Linux 5.14 a limit of processes that is set inside counts what is inside, whoever else has the user id. */
export function countsPerNamespace(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split('.').map(Number);
  return major > 5 || (major === 5 && minor >= 14);
}
