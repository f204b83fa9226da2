import type { SessionRow } from '../../session/store.ts';
import { placeOf } from '../../workspace/place.ts';
import type { WorkspaceServices } from '../../workspace/service.ts';

/** Takes the snapshots of one session's workspace that `changes` and `rewind` are made from. Never throws. */
export class FileKeeper {
  readonly #workspaces: WorkspaceServices;
  #kept: Promise<void> = Promise.resolve();

  constructor(workspaces: WorkspaceServices) {
    this.#workspaces = workspaces;
  }

  /** Resolves when no snapshot is being taken. */
  get kept(): Promise<void> {
    return this.#kept;
  }

  beforeTurn(session: SessionRow, turnId: string): void {
    const { history, dataDir } = this.#workspaces;
    this.#kept = history.beforeTurn(placeOf(dataDir, session), turnId);
  }

  /** Saves the next turn the walk through the files. */
  afterTurn(session: SessionRow): void {
    const { history, dataDir } = this.#workspaces;
    this.#kept = history.afterTurn(placeOf(dataDir, session));
  }
}
