import { useLocale } from '../i18n/locale.ts';
import { CallView } from './call-view.tsx';
import type { CardProps } from './card-props.ts';
import { DenyRow } from './deny-row.tsx';

/** What it would allow cannot be said here: it can be looked at, and denied. */
export function UnknownCard({ approval, answering, hasKeys }: CardProps) {
  const { t } = useLocale();
  return (
    <>
      <CallView approval={approval} />
      <p role="note" className="text-[13px] text-muted">
        {t('approval.unknownKind')}
      </p>
      <DenyRow approval={approval} answering={answering} hasKeys={hasKeys} />
    </>
  );
}
