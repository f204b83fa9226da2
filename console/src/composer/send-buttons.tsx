import { ChevronDown, Square } from 'lucide-react';
import { useState } from 'react';
import { useLocale } from '../i18n/locale.ts';
import type { WordKey } from '../i18n/words.ts';
import { Button } from '../ui/button.tsx';
import { Keys } from '../ui/keys.tsx';
import { Menu, MenuItem } from '../ui/menu.tsx';
import { Tooltip } from '../ui/tooltip.tsx';
import { type Act, actsOf, keysOf, type Standing } from './act.ts';
import { ActIcon } from './act-icon.tsx';
import { stopSession } from './send.ts';
import { showKeys } from './show-keys.ts';

export type SendButtonsProps = {
  sessionId: string;
  standing: Standing;
  /** Why nothing can be sent, if it cannot. */
  cannotSend: WordKey | null;
  onSend: (act: Act) => void;
};

/** What Enter does as a button, the other acts behind it, and Stop. */
export function SendButtons({ sessionId, standing, cannotSend, onSend }: SendButtonsProps) {
  const { t } = useLocale();
  const [usual, ...others] = actsOf[standing];
  return (
    <div className="ml-auto flex items-center gap-1.5">
      <span className="hidden items-center gap-1.5 text-muted text-xs lg:flex coarse:hidden">
        <Keys>{showKeys('Enter')}</Keys>
        {t(`composer.act.${usual}`)}
        {others.includes('queue') && (
          <>
            <Keys>{showKeys(keysOf.queue)}</Keys>
            {t('composer.act.queue')}
          </>
        )}
      </span>
      {standing !== 'idle' && <StopButton sessionId={sessionId} />}
      <span className="flex">
        <Tooltip text={cannotSend === null ? t(`composer.means.${usual}`) : t(cannotSend)}>
          <Button
            kind="primary"
            size="icon"
            className={others.length > 0 ? 'rounded-r-none' : ''}
            aria-label={t(`composer.act.${usual}`)}
            aria-disabled={cannotSend !== null}
            onClick={() => onSend(usual)}
          >
            <ActIcon act={usual} />
          </Button>
        </Tooltip>
        {others.length > 0 && (
          <ActMenu standing={standing} isDisabled={cannotSend !== null} onSend={onSend} />
        )}
      </span>
    </div>
  );
}

function ActMenu({
  standing,
  isDisabled,
  onSend,
}: {
  standing: Standing;
  isDisabled: boolean;
  onSend: (act: Act) => void;
}) {
  const { t } = useLocale();
  return (
    <Menu
      trigger={
        <Button
          kind="primary"
          size="icon"
          className="w-6 rounded-l-none border-l-accent-ink/30"
          aria-label={t('composer.otherActs')}
        >
          <ChevronDown aria-hidden />
        </Button>
      }
    >
      {actsOf[standing].map((act) => (
        <MenuItem key={act} icon={<ActIcon act={act} />} isDisabled={isDisabled} onSelect={() => onSend(act)}>
          <span className="flex max-w-72 flex-1 flex-col">
            <span className="font-medium">{t(`composer.act.${act}`)}</span>
            <span className="text-muted text-xs">{t(`composer.means.${act}`)}</span>
          </span>
          <Keys>{showKeys(keysOf[act])}</Keys>
        </MenuItem>
      ))}
    </Menu>
  );
}

function StopButton({ sessionId }: { sessionId: string }) {
  const { t } = useLocale();
  const [isStopping, setStopping] = useState(false);
  const stop = async (): Promise<void> => {
    setStopping(true);
    await stopSession(sessionId);
    setStopping(false);
  };
  return (
    <Tooltip text={t('composer.stopHint')}>
      <Button size="icon" aria-label={t('composer.stop')} disabled={isStopping} onClick={() => void stop()}>
        <Square aria-hidden className="fill-current" />
      </Button>
    </Tooltip>
  );
}
