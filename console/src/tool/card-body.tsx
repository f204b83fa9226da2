import { Braces } from 'lucide-react';
import { useState } from 'react';
import { PlainOnError } from '../content/plain-on-error.tsx';
import { useLocale } from '../i18n/locale.ts';
import type { ToolCall } from '../log/item.ts';
import { Button } from '../ui/button.tsx';
import { bodyOf } from './kinds.tsx';
import { RawCall } from './raw-call.tsx';

/** What went in and came out, as its kind shows it; or raw. */
export function CardBody({ call, onOpenAgent }: { call: ToolCall; onOpenAgent?: () => void }) {
  const { t } = useLocale();
  const [isRaw, setRaw] = useState(false);
  const Body = bodyOf(call.name);
  return (
    <>
      {isRaw ? (
        <RawCall call={call} />
      ) : (
        <PlainOnError plain={<RawCall call={call} />}>
          <Body call={call} />
        </PlainOnError>
      )}
      <footer className="flex items-center gap-1 border-t px-1.5 py-0.5">
        {onOpenAgent !== undefined && (
          <Button kind="quiet" size="small" onClick={onOpenAgent}>
            {t('tool.openAgent')}
          </Button>
        )}
        <Button
          kind="quiet"
          size="small"
          aria-pressed={isRaw}
          className="ml-auto"
          onClick={() => setRaw(!isRaw)}
        >
          <Braces aria-hidden />
          {t('tool.raw')}
        </Button>
      </footer>
    </>
  );
}
