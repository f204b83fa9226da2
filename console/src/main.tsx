import './styles.css';
import { CSPProvider } from '@base-ui/react/csp-provider';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { queryClient } from './api/query-client.ts';
import { startClock } from './api/server-clock.ts';
import { followSystemTheme } from './app/theme.ts';
import { startAttention } from './attention/start-attention.ts';
import { loadWords } from './i18n/locale.ts';
import { startLive } from './live/live.ts';
import { router } from './router.tsx';
import { startRefreshingCounts } from './session-list/refresh-counts.ts';
import { Toaster } from './ui/toast.tsx';

const root = document.getElementById('root');
if (root === null) throw new Error('the page has no place for the console');

await loadWords();
followSystemTheme();
startClock();
startRefreshingCounts();
startAttention();
startLive();
createRoot(root).render(
  <StrictMode>
    {/* The page's policy allows no style elements that come later. */}
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
        <Toaster />
      </QueryClientProvider>
    </CSPProvider>
  </StrictMode>,
);
