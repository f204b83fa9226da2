import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { chooseIsolation, isolationSettings } from '../../engine/isolation/choose-driver.ts';
import type { Config } from '../../ground/config/config.ts';
import { StartupError } from '../../ground/errors.ts';
import { createSilentLogger } from '../../ground/log.ts';
import { Remover } from '../../ground/removal/remover.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

const UNCONFINED = 'agents can do what the server user can';

/** Makes the same choice as a start, with the same self-test, in a directory of its own. */
export async function checkIsolation(
  config: Config,
  { dataDir, searchPath }: { dataDir: string; searchPath: string },
): Promise<Finding[]> {
  const nodeId = randomUUID();
  const root = join(dataDir, `doctor-${nodeId}`);
  await using stack = new AsyncDisposableStack();
  stack.defer(async () => await rm(root, { recursive: true, force: true }));
  const [sessionsDirectory, temporaryDirectory] = [join(root, 'sessions'), join(root, 'tmp')];
  for (const path of [root, sessionsDirectory, temporaryDirectory]) {
    // Confined agents have users of their own, and pass through.
    await mkdir(path, { mode: process.getuid?.() === 0 ? 0o711 : 0o700 });
  }
  const logger = createSilentLogger();
  try {
    const options = {
      ...isolationSettings(config),
      searchPath,
      dataDir: root,
      sessionsDirectory,
      temporaryDirectory,
      nodeId,
      logger,
      remover: stack.use(new Remover({ sessionsDirectory, temporaryDirectory, logger })),
    };
    const { driver, selfTest } = await chooseIsolation(options, stack);
    if (driver.confines) {
      const limits = driver.warnings.map((warning) => warn('limits', warning, 'see docs/security.md'));
      return [ok('isolation', `${driver.name}: ${selfTest?.detail.join('; ') ?? 'chosen'}`), ...limits];
    }
    const reason = selfTest === null ? 'none, as it was configured' : selfTest.detail.join('; ');
    const mend = selfTest?.hint ?? 'set --isolation auto';
    return [warn('isolation', `${reason}: ${UNCONFINED}`, mend)];
  } catch (error) {
    if (!(error instanceof StartupError)) throw error;
    return [fail('isolation', error.message, error.hint ?? 'see docs/security.md')];
  }
}
