import { Search } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { MAIN } from '../log/item-lists.ts';
import type { SessionLog } from '../log/session-log.ts';
import { Button } from '../ui/button.tsx';
import { Keys } from '../ui/keys.tsx';
import { isApple } from '../util/platform.ts';
import { AgentPath } from './agent-path.tsx';
import { AgentTree } from './agent-tree.tsx';
import { FindBar } from './find-bar.tsx';
import { Outline } from './outline.tsx';

export type TranscriptBarProps = {
  log: SessionLog;
  sessionId: string;
  list: string;
  onPoint: (key: string | null) => void;
};

/** What helps to get about in a transcript. */
export function TranscriptBar({ log, sessionId, list, onPoint }: TranscriptBarProps) {
  const { t } = useLocale();
  const [isFinding, setFinding] = useFindKey();
  return (
    <div className="flex min-h-10 items-center gap-1 border-b px-3 py-1">
      {isFinding ? (
        <FindBar
          log={log}
          list={list}
          onFind={onPoint}
          onClose={() => {
            setFinding(false);
            onPoint(null);
          }}
        />
      ) : (
        <>
          {list === MAIN ? (
            <>
              <Outline log={log} onJump={onPoint} />
              <AgentTree log={log} sessionId={sessionId} />
              <span className="flex-1" />
            </>
          ) : (
            <AgentPath log={log} sessionId={sessionId} list={list} />
          )}
          <Button kind="quiet" size="small" onClick={() => setFinding(true)}>
            <Search aria-hidden />
            <span className="sr-only sm:not-sr-only">{t('transcript.find')}</span>
            <Keys>{isApple ? '⌘F' : 'Ctrl F'}</Keys>
          </Button>
        </>
      )}
    </div>
  );
}

/** The browser's own search sees the rows in sight alone. Pressed again it is the browser's. */
function useFindKey(): [boolean, (isFinding: boolean) => void] {
  const [isFinding, setFinding] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isFind = (isApple ? event.metaKey : event.ctrlKey) && event.key.toLowerCase() === 'f';
      if (!isFind || event.shiftKey || event.altKey || isFinding) return;
      event.preventDefault();
      setFinding(true);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [isFinding]);
  return [isFinding, setFinding];
}
