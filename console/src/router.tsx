import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import { consolePath } from './api/client.ts';
import { AppShell } from './app/app-shell.tsx';
import { loadPage } from './app/load-page.ts';
import { NotFoundPage } from './app/not-found-page.tsx';
import { RouteError } from './app/route-error.tsx';
import { readSessionSearch } from './log/session-search.ts';
import { readSessionListSearch } from './session-list/search.ts';
import { readSignInSearch } from './sign-in/search.ts';

/* The pages and their addresses. What is chosen on a page stands in its address: typed, and never trusted. */

const rootRoute = createRootRoute({
  component: AppShell,
  notFoundComponent: NotFoundPage,
  errorComponent: RouteError,
});

const indexRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/sessions', replace: true });
  },
});

const sessionListRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sessions',
  validateSearch: readSessionListSearch,
  component: lazyRouteComponent(
    async () => await loadPage(() => import('./session-list/session-list-page.tsx')),
    'SessionListPage',
  ),
});

const sessionRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sessions/$sessionId',
  validateSearch: readSessionSearch,
  component: lazyRouteComponent(
    async () => await loadPage(() => import('./session/session-page.tsx')),
    'SessionPage',
  ),
});

const newSessionRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/new',
  component: lazyRouteComponent(
    async () => await loadPage(() => import('./new-session/new-session-page.tsx')),
    'NewSessionPage',
  ),
});

const settingsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/settings',
  component: lazyRouteComponent(
    async () => await loadPage(() => import('./settings/settings-page.tsx')),
    'SettingsPage',
  ),
});

const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sign-in',
  validateSearch: readSignInSearch,
  component: lazyRouteComponent(
    async () => await loadPage(() => import('./sign-in/sign-in-page.tsx')),
    'SignInPage',
  ),
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([
    indexRoute,
    sessionListRoute,
    sessionRoute,
    newSessionRoute,
    settingsRoute,
    signInRoute,
  ]),
  basepath: consolePath,
  defaultPreload: 'intent',
  // Within the shell: whoever looks at a page that failed can go on to the others.
  defaultErrorComponent: RouteError,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
