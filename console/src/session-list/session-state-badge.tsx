import { Circle, CircleCheckBig, CircleDashed, CircleSlash2, Hand, OctagonX } from 'lucide-react';
import type { ReactNode } from 'react';
import { useLocale } from '../i18n/locale.ts';
import type { WordKey } from '../i18n/words.ts';
import { Badge, type Tone } from '../ui/badge.tsx';
import { cn } from '../ui/class-names.ts';
import { faceOf, type SessionFace, type StateOfSession } from './session-face.ts';

type Look = { tone: Tone; shape: ReactNode; says: WordKey };

const icon = 'size-3.5 shrink-0';

/** Each has a colour, a shape and a word of its own: none is told from another by one of them alone. */
const looks: Record<SessionFace, Look> = {
  queued: {
    tone: 'working',
    shape: <CircleDashed aria-hidden className={icon} />,
    says: 'sessions.state.queued',
  },
  working: { tone: 'working', shape: <Pulse />, says: 'state.working' },
  needs_you: { tone: 'needs', shape: <Hand aria-hidden className={icon} />, says: 'state.needs_you' },
  unread: { tone: 'done', shape: <CircleCheckBig aria-hidden className={icon} />, says: 'state.unread' },
  failed_unread: {
    tone: 'danger',
    shape: <OctagonX aria-hidden className={icon} />,
    says: 'sessions.state.failedUnread',
  },
  cancelled_unread: {
    tone: 'done',
    shape: <CircleSlash2 aria-hidden className={icon} />,
    says: 'sessions.state.cancelledUnread',
  },
  idle: { tone: 'plain', shape: <Circle aria-hidden className={icon} />, says: 'state.idle' },
  failed: {
    tone: 'plain',
    shape: <OctagonX aria-hidden className={cn(icon, 'text-danger')} />,
    says: 'state.error',
  },
  cancelled: {
    tone: 'plain',
    shape: <CircleSlash2 aria-hidden className={icon} />,
    says: 'state.cancelled',
  },
};

/** How a session stands, at a glance. */
export function SessionStateBadge({ state, status }: StateOfSession) {
  const { t } = useLocale();
  const { tone, shape, says } = looks[faceOf({ state, status })];
  return (
    <Badge tone={tone}>
      {shape}
      {t(says)}
    </Badge>
  );
}

function Pulse() {
  return (
    <span aria-hidden className="relative flex size-3.5 shrink-0 items-center justify-center">
      <span className="absolute size-3 animate-ping rounded-full bg-working opacity-40" />
      <span className="size-2 rounded-full bg-working" />
    </span>
  );
}
