import type { Approval } from '@greenroom/client';

export function DecidedApproval(_: { approval: Approval }) {
  return null;
}
