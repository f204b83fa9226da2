import { Link, useNavigate } from '@tanstack/react-router';
import { CheckCheck, Plus, Search, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { Button, buttonLook } from '../ui/button.tsx';
import { cn } from '../ui/class-names.ts';
import { TextField } from '../ui/text-field.tsx';
import { useCounts } from './counts.ts';
import type { SessionListSearch } from './search.ts';
import { readAll } from './session-acts.ts';

/** Of typing; the address, and with it the list, follows when it rests. */
const REST_MS = 250;

export function ListToolbar({ search }: { search: SessionListSearch }) {
  const { t } = useLocale();
  const { data: counts } = useCounts(search);
  const [isReading, setReading] = useState(false);
  const markAll = async (): Promise<void> => {
    setReading(true);
    await readAll();
    setReading(false);
  };
  return (
    <div className="flex min-w-0 flex-1 flex-wrap items-center justify-end gap-2 max-sm:basis-full">
      <SearchField value={search.q ?? ''} />
      <Button
        className="coarse:min-w-11"
        disabled={isReading || (counts?.unread ?? 0) === 0}
        onClick={() => void markAll()}
      >
        <CheckCheck aria-hidden />
        <span className="max-sm:sr-only">{t('sessions.readAll')}</span>
      </Button>
      <Link to="/new" className={cn(buttonLook({ kind: 'primary' }), 'coarse:min-w-11')}>
        <Plus aria-hidden />
        <span className="max-[380px]:sr-only">{t('sessions.new')}</span>
      </Link>
    </div>
  );
}

function SearchField({ value }: { value: string }) {
  const { t } = useLocale();
  const { text, type, clear } = useTyped(value);
  return (
    <search className="relative min-w-32 max-w-80 flex-1">
      <Search
        aria-hidden
        className="pointer-events-none absolute top-1/2 left-2.5 size-4 -translate-y-1/2 text-muted"
      />
      <TextField
        id="session-search"
        type="text"
        value={text}
        maxLength={200}
        aria-label={t('sessions.search')}
        placeholder={t('sessions.search')}
        autoComplete="off"
        spellCheck={false}
        className="pr-8 pl-8"
        onChange={(event) => type(event.target.value)}
        onKeyDown={(event) => event.key === 'Escape' && clear()}
      />
      {text !== '' && (
        <button
          type="button"
          aria-label={t('sessions.clearSearch')}
          onClick={clear}
          className="absolute inset-y-0 right-0 flex w-8 items-center justify-center text-muted hover:text-ink coarse:w-11"
        >
          <X aria-hidden className="size-4" />
        </button>
      )}
    </search>
  );
}

/** What is typed, at once; the address gets it when typing rests, and when the address changes otherwise it is taken from there. */
function useTyped(value: string) {
  const navigate = useNavigate({ from: '/sessions' });
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const written = useRef(value);
  useEffect(() => () => clearTimeout(timer.current), []);
  useEffect(() => {
    if (value === written.current) return;
    written.current = value;
    setText(value);
  }, [value]);
  const write = (next: string): void => {
    written.current = next.trim();
    void navigate({
      search: ({ q: _, ...rest }) => (written.current === '' ? rest : { ...rest, q: written.current }),
      replace: true,
    });
  };
  const type = (next: string): void => {
    setText(next);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => write(next), REST_MS);
  };
  const clear = (): void => {
    setText('');
    clearTimeout(timer.current);
    write('');
  };
  return { text, type, clear };
}
