import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';
import { cn } from '../ui/class-names.ts';
import type { Outcome, ToolLine } from './tool-line.ts';

export function Subject({ line }: { line: ToolLine }) {
  return (
    <span className={cn('min-w-0 flex-1 truncate', line.isCode ? 'font-mono text-[12.5px]' : 'text-muted')}>
      <SafeText text={line.subject} />
    </span>
  );
}

const tones = { plain: '', added: 'text-done', removed: 'text-danger', danger: 'text-danger' } as const;

/** On a phone only what went wrong, and how much has changed. */
export function OutcomeList({ outcomes }: { outcomes: readonly Outcome[] }) {
  const { t } = useLocale();
  return outcomes.map(({ key, values, tone = 'plain' }) => (
    <span
      key={key}
      className={cn('whitespace-nowrap tabular-nums', tones[tone], tone === 'plain' && 'max-sm:hidden')}
    >
      {t(key, values)}
    </span>
  ));
}
