/** What a request for a session must have, apart from room: asked before it is carried out, and when it only asks. */

import { AppError } from '../ground/errors.ts';
import type { Identity } from '../ground/identity.ts';
import { requireBypass } from './options/bypass.ts';
import { requireGit, resolveWorkspace } from './options/given-directory.ts';
import { withSecrets } from './options/secrets.ts';
import { isActive, type SessionOptions } from './session.ts';
import type { SessionRow } from './store.ts';

type Place = { workspaceRoots: readonly string[]; confines: boolean };
type Request = { asker: Identity; options: SessionOptions; cwd: string | null };

/** Of a new session. @returns its directory by its real path, and its options with every value that they have */
export async function requireStartable(
  services: Place,
  { asker, options, cwd }: Request,
): Promise<{ cwd: string | null; options: SessionOptions }> {
  const limits = { ...services, tenantId: asker.tenantId };
  const path = cwd === null ? null : await resolveWorkspace(cwd, limits);
  if (path !== null && services.confines) {
    await requireGit(path, options.additional_directories ?? [], limits);
  }
  return { cwd: path, options: withSecrets(options, {}) };
}

/** Of an ended session's next turn. @returns its options with those that the request names */
export function requireResumable(
  session: SessionRow | undefined,
  id: string,
  { asker, options, cwd }: Request,
): { session: SessionRow; options: SessionOptions } {
  if (session === undefined) throw notResumable(id);
  if (isActive(session.status)) {
    throw new AppError('session_running', `Session ${id} is currently ${session.status}`, {
      hint: `wait until it has ended, cancel it, or add a message: POST /sessions/${id}/messages`,
    });
  }
  if (cwd !== null && cwd !== session.cwd) throw changedWorkspace(session);
  return { session, options: requireOptions(session, { asker, options }) };
}

/** Of a copy of the session. @returns the options of the copy */
export function requireForkable(
  parent: SessionRow,
  { cwd, at, ...request }: Request & { at: number | null },
): SessionOptions {
  requirePlace(parent, at);
  if (cwd !== null && cwd !== parent.cwd) throw changedWorkspace(parent);
  return requireOptions(parent, request);
}

function requireOptions(session: SessionRow, { asker, options }: Omit<Request, 'cwd'>): SessionOptions {
  const after = { ...session.options, ...withSecrets(options, session.options) };
  requireBypass(after, asker);
  return after;
}

function requirePlace(parent: SessionRow, at: number | null): void {
  if (at === null || at <= parent.last_seq) return;
  const message = `the session has ${parent.last_seq} events by now`;
  throw new AppError('invalid_request', `at: ${message}`, {
    hint: 'leave it out to fork at the end',
    errors: [{ field: 'at', message }],
  });
}

function changedWorkspace(session: SessionRow): AppError {
  const message = `a session keeps its working directory (${session.cwd ?? 'a workspace of its own'})`;
  return new AppError('invalid_request', message, {
    hint: 'leave cwd out when resuming, or start a new session',
    errors: [{ field: 'cwd', message }],
  });
}

export function notResumable(id: string): AppError {
  return new AppError('session_not_resumable', `Session ${id} not found.`);
}
