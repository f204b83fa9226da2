import type { SignIn } from '@greenroom/client';
import { useMutation } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { client } from '../api/client.ts';
import { signedOut } from '../api/signed-out.ts';
import { useMe } from '../api/use-me.ts';
import { beginAnew } from '../app/sign-in-gate.tsx';
import { usePageTitle } from '../attention/page-title.tsx';
import { useLocale } from '../i18n/locale.ts';
import { Button, buttonLook } from '../ui/button.tsx';
import { ErrorNote } from '../ui/error-note.tsx';
import { Field } from '../ui/field.tsx';
import { TextField } from '../ui/text-field.tsx';
import { useStore } from '../util/store.ts';

/**
 * A key, or the code of a one-time link, is exchanged for a cookie that no script can read. The code is behind the `#`,
 * which no server and no log ever sees.
 */
export function SignInPage() {
  const { t } = useLocale();
  usePageTitle(t('signIn.title'));
  const [apiKey, setApiKey] = useState('');
  const isSignedOut = useStore(signedOut);
  const { data: me } = useMe();
  const isNeeded = isSignedOut || me === undefined;
  const { mutate, isPending: isAsking, isSuccess, error } = useSignIn();
  const isPending = isAsking || isSuccess;
  useCodeOfLink((code) => mutate({ code }));
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (apiKey.trim() !== '') mutate({ apiKey: apiKey.trim() });
  };
  return (
    <div className="flex h-full items-center justify-center p-6">
      <form onSubmit={submit} className="flex w-full max-w-sm flex-col gap-4 rounded-xl border bg-panel p-6">
        <h1 className="font-semibold text-lg">{t('signIn.title')}</h1>
        <p className="text-[13px] text-muted">{t(isNeeded ? 'signIn.why' : 'signIn.notNeeded')}</p>
        {!isNeeded && (
          <Link to="/sessions" className={buttonLook()}>
            {t('app.toSessions')}
          </Link>
        )}
        <Field label={t('signIn.apiKey')} hint={t('signIn.hint')}>
          {(control) => (
            <TextField
              {...control}
              type="password"
              // The page is for this field.
              autoFocus
              autoComplete="current-password"
              spellCheck={false}
              className="font-mono"
              placeholder="grk_…"
              value={apiKey}
              onChange={(event) => setApiKey(event.target.value)}
            />
          )}
        </Field>
        {error !== null && <ErrorNote error={error} />}
        <Button type="submit" kind="primary" disabled={isPending || apiKey.trim() === ''}>
          {isPending ? t('signIn.pending') : t('signIn.submit')}
        </Button>
        <p className="text-muted text-xs">{t('signIn.cookie')}</p>
      </form>
    </div>
  );
}

function useSignIn() {
  const { next } = useSearch({ from: '/sign-in' });
  return useMutation({
    mutationFn: async (proof: SignIn) => await client.signIn(proof),
    onSuccess: () => beginAnew(next ?? '/sessions'),
  });
}

/** Takes the code out of the address at once: it is good for one use, and no history needs it. */
function useCodeOfLink(redeem: (code: string) => void): void {
  const isTaken = useRef(false);
  useEffect(() => {
    const code = new URLSearchParams(window.location.hash.slice(1)).get('code');
    if (code === null || isTaken.current) return;
    isTaken.current = true;
    window.history.replaceState(window.history.state, '', window.location.pathname + window.location.search);
    redeem(code);
  }, [redeem]);
}
