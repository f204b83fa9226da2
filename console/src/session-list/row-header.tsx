import type { ReactNode } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { Checkbox } from '../ui/checkbox.tsx';
import { cn } from '../ui/class-names.ts';
import { cardGrid, rowGrid, wideOnly } from './row-grid.ts';
import type { RowLayout } from './use-row-layout.ts';

type RowHeaderProps = { layout: RowLayout; total: number; chosen: number; onSelectAll: () => void };

/** What the columns are, and the box that selects all rows that are loaded. */
export function RowHeader({ layout, total, chosen, onSelectAll }: RowHeaderProps) {
  const { t } = useLocale();
  return (
    <thead className="sticky top-0 z-20 block border-b bg-panel text-xs sm:rounded-t-lg">
      <tr className={cn('h-9', layout === 'card' ? cardGrid : rowGrid)}>
        <Head className="flex h-full">
          <label
            htmlFor="select-all"
            className="flex flex-1 items-center justify-center coarse:-my-1 coarse:h-11"
          >
            <Checkbox
              id="select-all"
              checked={total > 0 && chosen === total}
              indeterminate={chosen > 0 && chosen < total}
              onCheckedChange={onSelectAll}
            />
            <span className="sr-only">{t('sessions.selectAll', { count: total })}</span>
          </label>
        </Head>
        {layout === 'card' ? <Head>{t('sessions.columns.session')}</Head> : <ColumnHeads />}
        <Head>
          <span className="sr-only">{t('sessions.columns.actions')}</span>
        </Head>
      </tr>
    </thead>
  );
}

function ColumnHeads() {
  const { t } = useLocale();
  return (
    <>
      <Head>{t('sessions.columns.state')}</Head>
      <Head>{t('sessions.columns.session')}</Head>
      <Head className={wideOnly}>{t('sessions.columns.model')}</Head>
      <Head className="text-right">{t('sessions.columns.turns')}</Head>
      <Head className={cn('text-right', wideOnly)}>{t('sessions.columns.tokens')}</Head>
      <Head className="text-right">{t('sessions.columns.cost')}</Head>
      <Head className="text-right">{t('sessions.columns.age')}</Head>
    </>
  );
}

function Head({ className, children }: { className?: string; children: ReactNode }) {
  return (
    <th scope="col" className={cn('text-left font-medium text-muted', className)}>
      {children}
    </th>
  );
}
