import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';
import { stepsTo } from './file-path.ts';

/** The way to what is shown; each step leads back. */
export function FileCrumbs({ path, onOpen }: { path: string; onOpen: (path: string) => void }) {
  const { t } = useLocale();
  const steps = stepsTo(path);
  const look = 'rounded px-1 py-0.5 hover:bg-hover coarse:min-h-11 disabled:text-ink';
  return (
    <nav aria-label={t('panel.files.way')} className="flex flex-wrap items-center text-[13px] text-muted">
      <button type="button" className={look} disabled={steps.length === 0} onClick={() => onOpen('')}>
        {t('panel.files.workspace')}
      </button>
      {steps.map((step, index) => (
        <span key={step.path} className="flex min-w-0 items-center">
          <span aria-hidden>/</span>
          <button
            type="button"
            className={`${look} max-w-56 truncate`}
            disabled={index === steps.length - 1}
            onClick={() => onOpen(`${step.path}/`)}
          >
            <SafeText text={step.name} />
          </button>
        </span>
      ))}
    </nav>
  );
}
