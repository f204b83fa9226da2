import type { Approval } from '@greenroom/client';

/** A place of the strip: an approval, and whether it still waits. */
export type Slot = { approval: Approval; isPending: boolean };

/**
 * The strip after the pending approvals were read: each keeps its place, what is new comes behind, oldest first. What does
 * not wait any more goes, or stays for a while.
 */
export function takePending(
  slots: readonly Slot[],
  pending: readonly Approval[],
  { keeps }: { keeps: (approval: Approval) => boolean },
): readonly Slot[] {
  const waiting = new Map(pending.map((approval) => [approval.approval_id, approval]));
  const kept = slots.flatMap(({ approval }): Slot[] => {
    const now = waiting.get(approval.approval_id);
    waiting.delete(approval.approval_id);
    if (now !== undefined) return [{ approval: now, isPending: true }];
    return keeps(approval) ? [{ approval, isPending: false }] : [];
  });
  const added = [...waiting.values()].sort((a, b) => a.requested_at.localeCompare(b.requested_at));
  return [...kept, ...added.map((approval) => ({ approval, isPending: true }))];
}
