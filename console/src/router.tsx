import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import { consolePath } from './api/client.ts';
import { AppShell } from './app/app-shell.tsx';
import { NotFoundPage } from './app/not-found-page.tsx';
import { RouteError } from './app/route-error.tsx';
import { readSessionSearch } from './session/search.ts';
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

export const sessionListRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sessions',
  validateSearch: readSessionListSearch,
  component: lazyRouteComponent(
    async () => await import('./session-list/session-list-page.tsx'),
    'SessionListPage',
  ),
});

export const sessionRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sessions/$sessionId',
  validateSearch: readSessionSearch,
  component: lazyRouteComponent(async () => await import('./session/session-page.tsx'), 'SessionPage'),
});

export const newSessionRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/new',
  component: lazyRouteComponent(
    async () => await import('./new-session/new-session-page.tsx'),
    'NewSessionPage',
  ),
});

export const settingsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/settings',
  component: lazyRouteComponent(async () => await import('./settings/settings-page.tsx'), 'SettingsPage'),
});

export const signInRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/sign-in',
  validateSearch: readSignInSearch,
  component: lazyRouteComponent(async () => await import('./sign-in/sign-in-page.tsx'), 'SignInPage'),
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
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
