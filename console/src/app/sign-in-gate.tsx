import { useLocation, useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { consolePath } from '../api/client.ts';
import { signedOut } from '../api/signed-out.ts';
import { useMe } from '../api/use-me.ts';
import { useStore } from '../util/store.ts';

/** Leads to the sign-in page when the server wants a key, from wherever that shows, and remembers where one was. */
export function SignInGate() {
  const isSignedOut = useStore(signedOut);
  const { pathname, href } = useLocation();
  const navigate = useNavigate();
  useMe();
  useEffect(() => {
    if (!isSignedOut || pathname === '/sign-in') return;
    void navigate({ to: '/sign-in', search: { next: href }, replace: true });
  }, [isSignedOut, pathname, href, navigate]);
  return null;
}

/** Somebody else is there now. The page begins anew, so that nothing of the one before stays in it. */
export function beginAnew(place: string): void {
  window.location.replace(consolePath + place.replace(/^\//, ''));
}
