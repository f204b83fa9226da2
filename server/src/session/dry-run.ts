import type { Identity } from '../ground/identity.ts';
import { isUuid } from '../ground/ids.ts';
import { resolveWorkspace } from './options/given-directory.ts';
import { notResumable, requireForkable, requireResumable, requireStartable } from './requirements.ts';
import type { SessionServices } from './service.ts';
import type { SessionOptions } from './session.ts';
import { findSession } from './store.ts';

export type Attempt = {
  asker: Identity;
  options: SessionOptions;
  cwd: string | null;
  /** The session that is to go on, or to be copied; null is a new one. */
  resumeId: string | null;
  isFork: boolean;
};

/** Throws what would be thrown if the request were carried out at this moment, but for a lack of room. Changes nothing. */
export async function validateAttempt(services: SessionServices, attempt: Attempt): Promise<void> {
  const { resumeId, isFork, ...request } = attempt;
  if (resumeId === null) {
    await requireStartable(services, request);
    return;
  }
  const { tenantId } = request.asker;
  const session = isUuid(resumeId) ? await findSession(services.db, { tenantId, id: resumeId }) : undefined;
  if (isFork) {
    if (session === undefined) throw notResumable(resumeId);
    requireForkable(session, { ...request, at: null });
    return;
  }
  const limits = { ...services, tenantId };
  const cwd = request.cwd === null ? null : await resolveWorkspace(request.cwd, limits);
  requireResumable(session, resumeId, { ...request, cwd });
}
