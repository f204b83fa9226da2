import { AppError } from '../../ground/errors.ts';
import { type Identity, mayUse } from '../../ground/identity.ts';

/**
 * An agent that bypasses permissions does what it is told. So only who may start such a session may also say something
 * in one that is there.
 */
export function requireBypass(
  { permission_mode }: { permission_mode?: string | null },
  asker: Identity,
): void {
  if (permission_mode !== 'bypassPermissions' || mayUse(asker, 'sessions:bypass')) return;
  throw new AppError(
    'forbidden',
    'The session bypasses permissions, and the key lacks the scope sessions:bypass.',
    {
      hint: 'use a key that has it',
    },
  );
}
