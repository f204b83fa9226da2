import { realpath } from 'node:fs/promises';
import { rootsOf } from '../../ground/config/roots.ts';
import { HeldDirectory } from '../../ground/util/held-directory.ts';
import { openGitDirectory } from '../../session/options/git-directory.ts';
import { isUnderRoots } from '../../session/options/given-directory.ts';
import type { SessionRow } from '../../session/store.ts';
import type { WorkerServices } from '../services.ts';

/**
 * The directories that an agent works in, held open from before it starts until it has ended: what was checked is what
 * it gets, and whether that is still what the paths lead to can be asked before each turn.
 */
export class HeldPlaces {
  readonly workspace: HeldDirectory;
  readonly additional: readonly HeldDirectory[];
  readonly #stack: AsyncDisposableStack;

  private constructor(workspace: HeldDirectory, additional: HeldDirectory[], stack: AsyncDisposableStack) {
    this.workspace = workspace;
    this.additional = additional;
    this.#stack = stack;
  }

  /**
   * Throws when one of them is gone, was replaced by a link, or lies where the session's tenant may not work (any more).
   *
   * @param ownWorkspace of a session that was not given a directory
   */
  static async open(
    services: WorkerServices,
    session: SessionRow,
    ownWorkspace: string,
  ): Promise<HeldPlaces> {
    await using stack = new AsyncDisposableStack();
    const roots = rootsOf(services.workspaceRoots, session.tenant_id);
    const given = async (path: string, name: string): Promise<HeldDirectory> => {
      const directory = stack.use(await hold(path, name));
      if (await isUnderRoots(path, roots)) return directory;
      throw new Error(
        `the ${name} ${path} lies outside the directories that sessions of the tenant "${session.tenant_id}" may work in (GREENROOM_WORKSPACE_ROOTS)`,
      );
    };
    const workspace =
      session.cwd === null
        ? stack.use(await hold(await realpath(ownWorkspace), WORKING_DIRECTORY))
        : await given(session.cwd, WORKING_DIRECTORY);
    const additional: HeldDirectory[] = [];
    for (const path of session.options.additional_directories ?? [])
      additional.push(await given(path, 'additional directory'));
    if (session.cwd !== null && services.driver.confines) {
      const git = stack.use(await openOwnGit(workspace, roots));
      if (git !== null) additional.push(git);
    }
    return new HeldPlaces(workspace, additional, stack.move());
  }

  /** Whether all their paths still lead to them. */
  async areInPlace(): Promise<boolean> {
    const answers = [this.workspace, ...this.additional].map(
      async (directory) => await directory.isInPlace(),
    );
    return (await Promise.all(answers)).every((isSo) => isSo);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** Where git keeps what the checkout needs. What the checkout says of that is the agent's to write: it must be true, too. */
async function openOwnGit(checkout: HeldDirectory, roots: readonly string[]): Promise<HeldDirectory | null> {
  const { directory = null, namesCheckout = false } = (await openGitDirectory(checkout)) ?? {};
  if (directory === null || (namesCheckout && (await isUnderRoots(directory.path, roots)))) return directory;
  await directory[Symbol.asyncDispose]();
  return null;
}

const WORKING_DIRECTORY = 'working directory';

// The SDK's own message for a missing directory speaks of a missing program.
async function hold(path: string, name: string): Promise<HeldDirectory> {
  try {
    return await HeldDirectory.open(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    throw new Error(`the ${name} ${path} does not exist any more, or was replaced by a link or a file`, {
      cause: error,
    });
  }
}
