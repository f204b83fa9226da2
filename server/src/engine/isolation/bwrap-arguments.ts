import { lstatSync, readlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import type { AgentView } from './driver.ts';
import { NODE, PROXY_SOCKET } from './proxy-port.ts';

/** What is mounted where: paths of this machine, which the agent sees under the names of `view`. */
export type Layout = {
  view: AgentView;
  /** The server's own make the way to it, and to the sockets and the transcript: a path will do. */
  home: string;
  /** What agents may change the way to: by what bubblewrap inherits. None lies in another one. */
  held: readonly { descriptor: number; seenAs: string }[];
  /** A transcript to resume from, and where the agent looks for it. */
  unpacked: { path: string; at: string } | null;
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
/** What an agent calls a workspace of its own. */
export const MANAGED_WORKSPACE = '/workspace';
/** Where it finds the sockets that lead out. */
export const SOCKET_DIRECTORY = dirname(PROXY_SOCKET);
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

/** Each but the first and the last is a link into `/usr` on most systems. */
const systemDirectories = [...['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'], '/nix/store'];

/** All that is mounted whole and read-only, whatever else is. */
export const systemMounts: readonly string[] = [...systemDirectories, ...sharedEtc];

const MB = 2 ** 20;

/** bubblewrap's options, up to the program. */
export function bwrapArguments(layout: Layout): string[] {
  const { view, unpacked } = layout;
  return [
    ...namespaces,
    ...system(layout),
    ...ownFileSystems(layout.temporaryBytes),
    ...layout.held.flatMap(({ descriptor, seenAs }) => ['--bind-fd', String(descriptor), seenAs]),
    ...(unpacked === null ? [] : ['--bind', unpacked.path, unpacked.at]),
    ...['--bind', layout.home, view.home],
    ...['--ro-bind', layout.program, PROGRAM],
    ...(layout.node === null ? [] : ['--ro-bind', layout.node, NODE]),
    ...['--ro-bind', layout.socketDirectory, SOCKET_DIRECTORY],
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
    ...systemDirectories.flatMap(bindOrLink),
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

/** What the agent sees of its user and of names. */
export function etcContent(home: string): Record<(typeof etcFiles)[number], string> {
  return {
    passwd: `agent:x:${INSIDE_USER}:${INSIDE_USER}:agent:${home}:/bin/bash\nnobody:x:65534:65534:nobody:/:/bin/false\n`,
    group: `agent:x:${INSIDE_USER}:\nnogroup:x:65534:\n`,
    hosts: '127.0.0.1 localhost sandbox\n::1 localhost\n',
    'nsswitch.conf': 'passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n',
  };
}
