import { lstatSync, readlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import type { AgentView } from './driver.ts';
import { NODE } from './forwarder.ts';

/** What is mounted where: paths of this machine, which the agent sees under the names of `view`. */
export type Layout = {
  view: AgentView;
  home: string;
  workspace: string;
  /** Seen under the same paths, and may be written. */
  sharedDirectories: readonly string[];
  /** Seen under the same paths, read-only. */
  readOnlyPaths: readonly string[];
  /** Seen as `PROGRAM`. */
  program: string;
  /** Seen as `NODE`, where a forwarder is needed; else null. */
  node: string | null;
  socketDirectory: string;
  /** Holds what takes the place of files in /etc, by name. */
  etcDirectory: string;
  temporaryBytes: number;
  environment: Record<string, string>;
};

/** Where the agent finds its own program. */
export const PROGRAM = '/opt/claude/claude';
/** The user that the agent takes itself for. */
const INSIDE_USER = '1000';
export const etcFiles = ['passwd', 'group', 'hosts', 'nsswitch.conf'] as const;

/** What programs need of the machine's configuration; nothing in it is secret. */
const sharedEtc = [
  '/etc/alternatives',
  '/etc/ca-certificates',
  '/etc/crypto-policies',
  '/etc/debian_version',
  '/etc/ld.so.cache',
  '/etc/ld.so.conf',
  '/etc/ld.so.conf.d',
  '/etc/localtime',
  '/etc/magic',
  '/etc/mime.types',
  '/etc/os-release',
  '/etc/pki/ca-trust',
  '/etc/pki/tls/certs',
  '/etc/protocols',
  '/etc/services',
  '/etc/ssl/certs',
  '/etc/ssl/openssl.cnf',
  '/etc/timezone',
];

/** Beside /usr; each is a link into it on most systems. */
const systemDirectories = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'];

/** Nothing may be mounted over these, or over what they are in. */
const reservedPaths = ['/usr', '/etc', '/proc', '/dev', '/sys', '/tmp', '/run', '/var', PROGRAM];

const MB = 2 ** 20;

/** bubblewrap's options, up to the program. */
export function bwrapArguments(layout: Layout): string[] {
  const { view } = layout;
  const binds: [string, string, string][] = [
    ...layout.sharedDirectories.map((path): [string, string, string] => ['--bind', path, path]),
    ['--bind', layout.home, view.home],
    ['--bind', layout.workspace, view.workspace],
    ['--ro-bind', layout.program, PROGRAM],
    ...(layout.node === null ? [] : [['--ro-bind', layout.node, NODE] as [string, string, string]]),
    ['--ro-bind', layout.socketDirectory, dirname(view.gatewaySocket ?? '/run/gw/gw.sock')],
  ];
  return [
    ...namespaces,
    ...system(layout),
    ...ownFileSystems(layout.temporaryBytes),
    ...binds.flat(),
    ...['--remount-ro', '/', '--remount-ro', '/dev'],
    ...['--cap-drop', 'ALL', '--chdir', view.workspace],
    ...[
      '--clearenv',
      ...Object.entries(layout.environment).flatMap(([name, value]) => ['--setenv', name, value]),
    ],
  ];
}

const namespaces = [
  ...['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--unshare-net'],
  ...['--unshare-cgroup-try', '--disable-userns', '--die-with-parent', '--new-session'],
  ...['--uid', INSIDE_USER, '--gid', INSIDE_USER, '--hostname', 'sandbox'],
];

function system({ etcDirectory, readOnlyPaths }: Layout): string[] {
  return [
    ...['--ro-bind', '/usr', '/usr'],
    ...systemDirectories.flatMap(bindOrLink),
    ...['--ro-bind-try', '/nix/store', '/nix/store'],
    ...readOnlyPaths.flatMap((path) => ['--ro-bind', path, path]),
    ...sharedEtc.flatMap((path) => ['--ro-bind-try', path, path]),
    ...etcFiles.flatMap((name) => ['--ro-bind', `${etcDirectory}/${name}`, `/etc/${name}`]),
  ];
}

function bindOrLink(path: string): string[] {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return [];
  return stats.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path];
}

function ownFileSystems(temporaryBytes: number): string[] {
  const temporary = (bytes: number, path: string): string[] => ['--size', String(bytes), '--tmpfs', path];
  return [
    ...['--proc', '/proc', '--dev', '/dev'],
    ...temporary(64 * MB, '/dev/shm'),
    ...temporary(temporaryBytes, '/tmp'),
    ...temporary(16 * MB, '/run'),
    ...temporary(64 * MB, '/var'),
    ...['--dir', '/var/tmp'],
  ];
}

/** Whether a directory can be shared: one that holds a part of the system would show more than itself. */
export function isReserved(path: string, view: Pick<AgentView, 'home' | 'workspace'>): boolean {
  const around = (inner: string): boolean => inner === path || path === '/' || inner.startsWith(`${path}/`);
  return [...reservedPaths, view.home, view.workspace].some(around);
}

/** What the agent sees of its user and of names. */
export function etcContent(home: string): Record<(typeof etcFiles)[number], string> {
  return {
    passwd: `agent:x:${INSIDE_USER}:${INSIDE_USER}:agent:${home}:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/false\n`,
    group: `agent:x:${INSIDE_USER}:\nnogroup:x:65534:\n`,
    hosts: '127.0.0.1 localhost sandbox\n::1 localhost\n',
    'nsswitch.conf': 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n',
  };
}
