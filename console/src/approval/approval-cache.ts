import type { Approval } from '@greenroom/client';
import { queryClient } from '../api/query-client.ts';
import { KeyedStore } from '../util/keyed-store.ts';
import { forgetDraft, readDraft, wordsOf } from './draft.ts';
import { withApproval } from './pending-list.ts';

/** Those that are known to be decided, or gone (null). A list that was read before that does not bring them back. */
export const settled = new KeyedStore<Approval | null>();

/** Of what the stream tells about an approval, or an answer gave: every list has it at once. */
export function takeApproval(approval: Approval): void {
  if (approval.status === 'pending' && settled.get(approval.approval_id) !== undefined) return;
  if (approval.status !== 'pending') settle(approval.approval_id, approval);
  for (const key of [
    ['approvals', 'pending'],
    ['approvals', approval.session_id],
  ]) {
    queryClient.setQueryData<Approval[]>(key, (list) => list && withApproval(list, approval));
  }
}

/** It is decided; or, without one, gone with its session. */
export function settle(id: string, approval: Approval | null): void {
  settled.set(id, approval);
  // Somebody's words stay until they have seen what came of it.
  if (wordsOf(readDraft(id)) === '') forgetDraft(id);
}
