import type { Approval } from '@greenroom/client';
import { GreenroomError } from '@greenroom/client';
import { useMutation } from '@tanstack/react-query';
import { client } from '../api/client.ts';
import { queryClient } from '../api/query-client.ts';
import { useMe } from '../api/use-me.ts';
import { say } from '../i18n/locale.ts';
import { toasts } from '../ui/toast.tsx';
import { type Answer, type Delivery, deliveryOf, isOwnAnswer, sendAnswer } from './answer.ts';
import { settle, takeApproval } from './approval-cache.ts';
import { changeDraft, forgetDraft, useDraft } from './draft.ts';
import { describeOutcome } from './outcome.ts';

/** The answers of one card: one at a time, and none that contradicts one that may be on its way. */
export function useAnswer(approval: Approval) {
  const id = approval.approval_id;
  const { unsent } = useDraft(id);
  const { data: me } = useMe();
  const sending = useMutation({
    mutationFn: async (answer: Answer): Promise<Delivery> => {
      // Before it is sent: a page that is closed meanwhile knows of it when it is back.
      changeDraft(approval, { unsent: answer });
      try {
        finish(await sendAnswer(client.approvals, id, answer));
        return 'sent';
      } catch (error) {
        return await takeFailure(error, { approval, answer, name: me?.name });
      }
    },
  });
  const checking = useMutation({
    mutationFn: async () => {
      const current = await client.approvals.get(id);
      if (current.status === 'pending' || unsent === null) changeDraft(approval, { unsent: null });
      else conclude(current, { answer: unsent, name: me?.name });
    },
  });
  return {
    send: (answer: Answer) => {
      if (!sending.isPending && !checking.isPending) sending.mutate(answer);
    },
    isSending: sending.isPending,
    /** Was not confirmed: it alone may be sent again, until the server has said that it never came. */
    unsent: sending.isPending ? null : unsent,
    retry: () => {
      if (unsent !== null && !sending.isPending) sending.mutate(unsent);
    },
    /** Asks the server whether it came; then something else may be answered. */
    takeBack: () => checking.mutate(),
    isChecking: checking.isPending,
    error: sending.error ?? checking.error,
    forgetError: () => {
      sending.reset();
      checking.reset();
    },
    may: me?.may?.answer_approvals ?? { allowed: true, reason: null },
  };
}

export type Answering = ReturnType<typeof useAnswer>;

function finish(approval: Approval): void {
  forgetDraft(approval.approval_id);
  takeApproval(approval);
  void queryClient.invalidateQueries({ queryKey: ['session', approval.session_id] });
}

type Failed = { approval: Approval; answer: Answer; name: string | undefined };

async function takeFailure(error: unknown, { approval, answer, name }: Failed): Promise<Delivery> {
  const id = approval.approval_id;
  const delivery = deliveryOf(error instanceof GreenroomError ? error : {});
  if (delivery === 'refused') changeDraft(approval, { unsent: null });
  if (delivery === 'refused' || delivery === 'unsent') throw error;
  if (delivery === 'gone') {
    forgetDraft(id);
    settle(id, null);
    toasts.add({ title: say('approval.gone'), type: 'error' });
    return delivery;
  }
  return conclude(await client.approvals.get(id), { answer, name });
}

/** It is decided: by this very answer, of which the confirmation got lost, or by another one. */
function conclude(
  decided: Approval,
  { answer, name }: { answer: Answer; name: string | undefined },
): Delivery {
  if (isOwnAnswer(decided, answer, name)) {
    finish(decided);
    return 'sent';
  }
  changeDraft(decided, { unsent: null });
  takeApproval(decided);
  tellOutcome(decided);
  return 'decided';
}

/** Says who was first, and how. */
function tellOutcome(approval: Approval): void {
  const { says, values } = describeOutcome(approval);
  toasts.add({ title: say('approval.tooLate'), description: say(says, values), type: 'error' });
}
