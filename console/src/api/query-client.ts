import { GreenroomError } from '@greenroom/client';
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { signedOut } from './signed-out.ts';

/** What was read from the server, and is kept. The client repeats requests by itself; nothing here does so again. */
export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError: noticeSignOut }),
  mutationCache: new MutationCache({ onError: noticeSignOut }),
  defaultOptions: {
    queries: { retry: false, networkMode: 'always', staleTime: 15_000, refetchOnWindowFocus: true },
    mutations: { retry: false, networkMode: 'always' },
  },
});

function noticeSignOut(error: Error): void {
  if (error instanceof GreenroomError && error.status === 401) signedOut.set(true);
}
