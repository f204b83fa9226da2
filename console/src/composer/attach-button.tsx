import { Paperclip } from 'lucide-react';
import { useRef } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { Tooltip } from '../ui/tooltip.tsx';
import { attach } from './attach.ts';

export function AttachButton({ sessionId }: { sessionId: string }) {
  const { t } = useLocale();
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Tooltip text={t('composer.attachHint')}>
        <Button
          kind="quiet"
          size="iconSmall"
          aria-label={t('composer.attach')}
          onClick={() => input.current?.click()}
        >
          <Paperclip aria-hidden />
        </Button>
      </Tooltip>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={t('composer.attach')}
        onChange={({ target }) => {
          void attach(sessionId, [...(target.files ?? [])]);
          // The same file may be chosen again.
          target.value = '';
        }}
      />
    </>
  );
}
