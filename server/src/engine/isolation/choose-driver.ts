import { type Config, isLocalOnly } from '../../ground/config/config.ts';
import { StartupError } from '../../ground/errors.ts';
import { BwrapDriver, type BwrapOptions } from './bwrap.ts';
import type { IsolationDriver, SelfTest } from './driver.ts';
import { noIsolation } from './none.ts';
import { explainFailure } from './try-sandbox.ts';

export type IsolationMode = 'auto' | 'bwrap' | 'none';

export type Isolation = {
  driver: IsolationDriver;
  /** Of the driver that confines; null when none was asked for. */
  selfTest: SelfTest | null;
};

export type IsolationChoice = BwrapOptions & {
  mode: IsolationMode;
  /** Whether only this machine can reach the server. */
  isLocal: boolean;
};

/** What the configuration says of it; where things lie is added by whoever chooses. */
export function isolationSettings(
  config: Config,
): Pick<IsolationChoice, 'mode' | 'isLocal' | 'limits' | 'readOnlyPaths'> {
  return {
    mode: config.isolation,
    isLocal: isLocalOnly(config),
    limits: {
      memoryBytes: config.sandboxMemory,
      processes: config.sandboxProcesses,
      cpus: config.sandboxCpus,
      temporaryBytes: config.sandboxTmp,
      diskBytes: config.sandboxDisk,
    },
    readOnlyPaths: config.sandboxPaths,
  };
}

/**
 * What agents run inside. Only a server that nobody else can reach may fall back to no isolation, and only when it was
 * left the choice. What the driver keeps is given up with the stack. Throws `StartupError`.
 */
export async function chooseIsolation(
  choice: IsolationChoice,
  stack: AsyncDisposableStack,
): Promise<Isolation> {
  if (choice.mode === 'none') return { driver: noIsolation, selfTest: null };
  const { driver, selfTest } = await tryBwrap(choice, stack);
  if (driver !== null && selfTest.ok) return { driver, selfTest };
  if (choice.mode === 'auto' && choice.isLocal) return { driver: noIsolation, selfTest };
  const accept =
    'or let agents do what the server user can, on your own risk: --isolation none (GREENROOM_ISOLATION)';
  throw new StartupError(`agents cannot be isolated here: ${selfTest.detail.join('; ')}`, {
    hint: [selfTest.hint, accept].filter((part) => part !== null).join('; '),
  });
}

async function tryBwrap(
  options: BwrapOptions,
  stack: AsyncDisposableStack,
): Promise<{ driver: BwrapDriver | null; selfTest: SelfTest }> {
  if (process.platform !== 'linux') {
    const detail = [`bubblewrap needs Linux, and this is ${process.platform}`];
    return { driver: null, selfTest: { ok: false, detail, hint: 'run the server on Linux' } };
  }
  try {
    const driver = stack.use(new BwrapDriver(options));
    return { driver, selfTest: await driver.selfTest() };
  } catch (error) {
    return { driver: null, selfTest: explainFailure(error) };
  }
}
