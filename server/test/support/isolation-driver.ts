import { randomUUID } from 'node:crypto';
import { chmod, mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import type { IsolationChoice } from '../../src/engine/isolation/choose-driver.ts';
import { createSilentLogger } from '../../src/ground/log.ts';
import { Remover } from '../../src/ground/removal/remover.ts';

/** The owner of directories that agents are given: agents of a server that is root never run as root. */
export const SOMEBODY = 12_345;
export const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin';

/** For a driver without a server around it, with a data directory of its own in `directory`. */
export async function isolationChoice(
  directory: string,
  overrides: Partial<IsolationChoice>,
): Promise<IsolationChoice> {
  const dataDir = await mkdtemp(join(directory, 'data-'));
  await chmod(dataDir, 0o711);
  const temporary = join(dataDir, 'tmp');
  await mkdir(temporary, { mode: 0o711 });
  return {
    mode: 'auto',
    isLocal: true,
    searchPath: SYSTEM_PATH,
    dataDir,
    sessionsDirectory: join(dataDir, 'sessions'),
    temporaryDirectory: temporary,
    remover: new Remover({
      sessionsDirectory: join(dataDir, 'sessions'),
      temporaryDirectory: temporary,
      logger: createSilentLogger(),
    }),
    nodeId: randomUUID(),
    limits: {
      memoryBytes: 2 ** 30,
      processes: 200,
      cpus: null,
      temporaryBytes: 2 ** 24,
      diskBytes: 2 ** 30,
    },
    logger: createSilentLogger(),
    readOnlyPaths: [],
    ...overrides,
  };
}
