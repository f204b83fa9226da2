import { useLocale } from '../i18n/locale.ts';
import { ErrorNote } from '../ui/error-note.tsx';
import { Spinner } from '../ui/spinner.tsx';
import type { useListing } from './use-listing.ts';

export type Pages = ReturnType<typeof useListing>['pages'];

/** Below the last row: that more comes, or why it does not. */
export function ListEnd({ pages, className }: { pages: Pages; className: string }) {
  const { t } = useLocale();
  if (pages.isError && !pages.isFetching) {
    const retry = pages.isFetchNextPageError ? pages.fetchNextPage : pages.refetch;
    return (
      <div className="p-3">
        <ErrorNote error={pages.error} onRetry={() => void retry()} />
      </div>
    );
  }
  if (!pages.hasNextPage) return null;
  return (
    <div className={`flex justify-center p-3 ${className}`}>
      <Spinner label={t('sessions.loadingMore')} />
    </div>
  );
}
