import { Info, TriangleAlert } from 'lucide-react';
import { formatCount } from '../i18n/format.ts';
import { type Translate, useLocale } from '../i18n/locale.ts';
import type { Notice, NoticeItem } from '../log/item.ts';
import { cn } from '../ui/class-names.ts';
import { LongText } from './long-text.tsx';

/** What the program or the server says beside the conversation. */
export function NoticeRow({ item }: { item: NoticeItem }) {
  const { t, locale } = useLocale();
  const { tone } = item.notice;
  const Icon = tone === 'plain' ? Info : TriangleAlert;
  return (
    <div
      className={cn(
        'flex items-start gap-2 rounded-md px-2 py-1 text-[13px] text-muted',
        tone === 'warning' && 'bg-needs-soft text-needs',
        tone === 'error' && 'bg-danger-soft text-danger',
      )}
    >
      <Icon aria-hidden className="mt-0.5 size-4 shrink-0" />
      <div className="min-w-0 flex-1">
        <LongText text={wordsOf(item.notice, t, locale)} />
      </div>
    </div>
  );
}

const reasons = [
  'server_stopped',
  'server_silent',
  'server_failed',
  'made_room',
  'agent_ended',
  'agent_silent',
] as const;

/** A newer server may have more reasons. */
function wordsOfGoingOn({ reason, by }: Notice['values'], t: Translate): string {
  const known = reasons.find((one) => one === reason);
  const how = t(`transcript.wentOn.${by === 'note' ? 'note' : 'request'}`);
  return known === undefined ? how : `${t(`transcript.wentOn.${known}`)} ${how}`;
}

function wordsOf({ code, values }: Notice, t: Translate, locale: string): string {
  if (code === 'text') return String(values.text ?? '');
  if (code === 'wentOn') return wordsOfGoingOn(values, t);
  if (code !== 'compacted') return t(`transcript.notice.${code}`, values);
  const [before, after] = [Number(values.before), Number(values.after)];
  if (after === 0) return t('transcript.notice.compactedFrom', { before: formatCount(before, locale) });
  const counts = { before: formatCount(before, locale), after: formatCount(after, locale) };
  return t('transcript.notice.compacted', counts);
}
