import { Check, Copy } from 'lucide-react';
import { useState } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { copyText } from '../util/copy-text.ts';
import { Button } from './button.tsx';
import { toasts } from './toast.tsx';

const SHOWN_MS = 1_500;

/** Copies, and says that it did. */
export function CopyButton({ text, label }: { text: string | (() => string); label?: string }) {
  const { t } = useLocale();
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await copyText(typeof text === 'string' ? text : text());
    } catch {
      toasts.add({ title: t('acts.copyFailed'), type: 'error' });
      return;
    }
    setCopied(true);
    setTimeout(() => setCopied(false), SHOWN_MS);
  };
  const says = isCopied ? t('common.copied') : (label ?? t('common.copy'));
  return (
    <Button
      kind="quiet"
      size={label === undefined ? 'iconSmall' : 'small'}
      aria-label={says}
      onClick={() => void copy()}
    >
      {isCopied ? <Check aria-hidden /> : <Copy aria-hidden />}
      {label !== undefined && <span aria-live="polite">{says}</span>}
    </Button>
  );
}
