import type { Approval, ApprovalKind } from '@greenroom/client';
import { Bot, CircleHelp, ListChecks, ShieldQuestion, Wrench } from 'lucide-react';
import { type ReactNode, useRef } from 'react';
import { useSession } from '../api/use-session.ts';
import { markInvisible } from '../content/invisible.ts';
import { useLocale } from '../i18n/locale.ts';
import type { WordKey } from '../i18n/words.ts';
import { Badge } from '../ui/badge.tsx';
import { canAnswer } from './act-button.tsx';
import { AnswerNote } from './answer-note.tsx';
import { useCardKeys } from './card-keys.ts';
import type { CardProps } from './card-props.ts';
import { ClientToolCard } from './client-tool-card.tsx';
import { Countdown } from './countdown.tsx';
import { denial } from './deny-row.tsx';
import { useDraft } from './draft.ts';
import { PermissionCard } from './permission-card.tsx';
import { PlanCard } from './plan-card.tsx';
import { QuestionCard } from './question-card.tsx';
import { UnknownCard } from './unknown-card.tsx';
import { type Answering, useAnswer } from './use-answer.ts';

type Look = { title: WordKey; icon: ReactNode; Body: (props: CardProps) => ReactNode; isAllowable: boolean };

const looks: Record<ApprovalKind, Look> = {
  tool: {
    title: 'approval.title.tool',
    icon: <ShieldQuestion aria-hidden />,
    Body: PermissionCard,
    isAllowable: true,
  },
  plan: { title: 'approval.title.plan', icon: <ListChecks aria-hidden />, Body: PlanCard, isAllowable: true },
  question: {
    title: 'approval.title.question',
    icon: <CircleHelp aria-hidden />,
    Body: QuestionCard,
    isAllowable: false,
  },
  client_tool: {
    title: 'approval.title.clientTool',
    icon: <Wrench aria-hidden />,
    Body: ClientToolCard,
    isAllowable: false,
  },
};

/** Of a server that is newer than this page: what the answers mean is not known here, but a no is a no. */
const unknownLook: Look = {
  title: 'approval.title.tool',
  icon: <ShieldQuestion aria-hidden />,
  Body: UnknownCard,
  isAllowable: false,
};

function lookOf({ kind }: Approval): Look {
  return Object.hasOwn(looks, kind) ? looks[kind] : unknownLook;
}

/** Everything about one approval, and every answer that it takes. */
export function FullCard({ approval, hasKeys }: { approval: Approval; hasKeys: boolean }) {
  const { t } = useLocale();
  const card = useRef<HTMLElement>(null);
  const answering = useAnswer(approval);
  const { data: session } = useSession(approval.session_id);
  const { title, icon, Body } = lookOf(approval);
  useKeys(card, { approval, answering, hasKeys });
  return (
    <section
      ref={card}
      aria-label={t(title, { tool: markInvisible(approval.tool_name) })}
      className="flex min-w-0 flex-col gap-3 rounded-lg border border-needs-line bg-needs-soft p-3 coarse:gap-4"
    >
      <header className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <h2 className="flex min-w-0 flex-1 items-center gap-2 font-medium text-sm [&_svg]:size-4.5 [&_svg]:shrink-0 [&_svg]:text-needs">
          {icon}
          <span className="min-w-0">{t(title, { tool: markInvisible(approval.tool_name) })}</span>
        </h2>
        {approval.agent_id !== null && (
          <Badge>
            <Bot aria-hidden className="size-3.5" />
            {t('approval.subagent')}
          </Badge>
        )}
        <Countdown approval={approval} endsTurn={session?.options.approval_timeout_action === 'end_turn'} />
      </header>
      <Body approval={approval} answering={answering} hasKeys={hasKeys} />
      <AnswerNote answering={answering} />
    </section>
  );
}

type Keyed = { approval: Approval; answering: Answering; hasKeys: boolean };

function useKeys(card: React.RefObject<HTMLElement | null>, { approval, answering, hasKeys }: Keyed): void {
  const draft = useDraft(approval.approval_id);
  const isFree = canAnswer(answering);
  // With a form open `y` could mean what is in it, or what was asked: it means nothing.
  const mayAllow = isFree && lookOf(approval).isAllowable && draft.form === 'none';
  useCardKeys(card, {
    acts: {
      allow: mayAllow ? () => answering.send({ act: 'allow' }) : null,
      deny: isFree ? () => answering.send(denial(draft)) : null,
    },
    hasKeys,
  });
}
