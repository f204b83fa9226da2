/**
 * The directories that a client named: which of them an agent may have under their own paths, and how. They are held
 * open, so what is mounted is what was looked at here.
 */
import { lstat, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SessionUser } from '../../ground/util/directory-user.ts';
import { HeldDirectory } from '../../ground/util/held-directory.ts';
import { isInside } from '../../ground/util/path-inside.ts';
import { PASS, permits, READ, WRITE } from '../../ground/util/permits.ts';
import { MANAGED_WORKSPACE, PROGRAM, SOCKET_DIRECTORY } from './bwrap-arguments.ts';
import type { AgentView, SandboxRequest } from './driver.ts';
import { NODE } from './proxy-port.ts';

/** What is mounted already when directories are. */
export type Surroundings = {
  view: Pick<AgentView, 'home' | 'workspace'>;
  dataDir: string;
  /** Mounted whole and read-only, such as `/usr`. */
  readOnlyPaths: readonly string[];
};

/** What holds one of these cannot be mounted: it would cover it, and show more than itself. */
const systemPaths = [
  ...['/usr', '/etc', '/proc', '/dev', '/dev/shm', '/sys', '/tmp', '/run', '/var'],
  ...[PROGRAM, NODE, SOCKET_DIRECTORY],
];
/** Made by the kernel, not files that somebody works on. */
const kernelPaths = ['/proc', '/sys', '/dev'];

/** A directory that would bring in more than itself: parts of the system, or what belongs to others. */
export async function requireSafe(directory: HeldDirectory, around: Surroundings): Promise<void> {
  const { path } = directory;
  const { home, workspace } = around.view;
  const isOfKernel = kernelPaths.some((place) => isInside(path, place)) && !isInside(path, '/dev/shm');
  if (
    isOfKernel ||
    systemPaths.some((place) => isInside(place, path)) ||
    (await isOfServer(directory, around))
  )
    throw cannotWork(path, 'it is, or holds, a part of the system or of the server');
  const own = [home, ...(workspace === MANAGED_WORKSPACE ? [workspace] : [])];
  const taken = own.find((name) => isInside(path, name) || isInside(name, path));
  // What is mounted there is the agent's to change: a mount inside of it could be led elsewhere.
  if (taken !== undefined && path !== workspace)
    throw cannotWork(path, `${taken} is what its own directory is called inside`);
  await requireFirmWay(path, around.readOnlyPaths);
}

/** By what the directories are, not by their names: a mount may give the same one two. */
async function isOfServer(directory: HeldDirectory, { dataDir }: Surroundings): Promise<boolean> {
  await using data = await HeldDirectory.open(await realpath(dataDir));
  return (await directory.isInside(data)) || (await data.isInside(directory));
}

/**
 * bubblewrap looks for the place to mount at by its path. In a file system of the sandbox's own that leads where it
 * should; in one of the machine's, that other agents may work in, they could put a link on the way.
 */
async function requireFirmWay(path: string, readOnlyPaths: readonly string[]): Promise<void> {
  for (const outer of readOnlyPaths) {
    if (!isInside(path, outer)) continue;
    for (let place = dirname(path); place !== outer && isInside(place, outer); place = dirname(place)) {
      const { uid, mode } = await lstat(dirname(place));
      if (uid === 0 && (mode & 0o022) === 0) continue;
      throw cannotWork(
        path,
        `agents see ${outer} read-only, and ${dirname(place)} on the way could be changed meanwhile: only root may write there, or take ${outer} out of GREENROOM_SANDBOX_PATHS`,
      );
    }
  }
}

type Mount = { directory: HeldDirectory; seenAs: string };

/** What is mounted where. A directory that lies in another one is seen through that: its way leads through files of agents. */
export function mountsOf({ workspace, isManaged, additionalDirectories }: SandboxRequest): Mount[] {
  const mounts: Mount[] = [];
  const given = [...additionalDirectories, ...(isManaged ? [] : [workspace])];
  for (const directory of given.toSorted((one, other) => one.path.length - other.path.length)) {
    if (!mounts.some(({ seenAs }) => isInside(directory.path, seenAs)))
      mounts.push({ directory, seenAs: directory.path });
  }
  return isManaged ? [...mounts, { directory: workspace, seenAs: MANAGED_WORKSPACE }] : mounts;
}

/** A directory of root's is not given away, and agents never run as root: others' rights must do, on the way to it too. */
export async function requireOpen({ path }: HeldDirectory, user: SessionUser): Promise<void> {
  for (let place = path; ; place = dirname(place)) {
    if (!permits(await stat(place), user, place === path ? READ | PASS : PASS))
      throw cannotWork(path, `${place} is closed to it, and agents never run as root (see chown and chmod)`);
    if (place === dirname(place)) return;
  }
}

/** What a user should know who expects the agent to write there; null where it can. */
export async function writeWarning(directory: HeldDirectory, user: SessionUser): Promise<string | null> {
  if (permits(await directory.stat(), user, WRITE | PASS)) return null;
  return `the agent cannot write in ${directory.path}: it runs as user ${user.uid}, and the directory is not open to others; give it to another user than root (chown)`;
}

function cannotWork(path: string, reason: string): Error {
  return new Error(`an isolated agent cannot work in ${path}: ${reason}`);
}
