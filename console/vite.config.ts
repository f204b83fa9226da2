import { fileURLToPath } from 'node:url';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { precompress } from './build/precompress.ts';

const SERVER = process.env.GREENROOM_URL ?? 'http://127.0.0.1:8000';

// biome-ignore lint/style/noDefaultExport: Vite asks for it.
export default defineConfig(({ command }) => ({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // Built with relative paths: the console works under any path of a reverse proxy.
  base: command === 'serve' ? '/console/' : './',
  plugins: [react(), tailwindcss(), precompress(), baseOfDevelopment()],
  resolve: {
    alias: { '@greenroom/client': fileURLToPath(new URL('../client/src/index.ts', import.meta.url)) },
  },
  build: {
    target: 'es2023',
    // The page's policy allows fonts of its own origin, and none inside of style sheets.
    assetsInlineLimit: (path) => (path.endsWith('.woff2') ? false : undefined),
    // Each chunk would otherwise preload by an inline script.
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // Small, and on the first page all of them: one file is less than seven.
        codeSplitting: {
          groups: [
            { name: 'base', test: /console\/src\/(live\/.*|api\/.*|util\/(keyed-store|store|calm))\.tsx?$/ },
          ],
        },
      },
    },
  },
  // The API beside it, as where the server serves both.
  server: { proxy: { '^/(?!console/)': SERVER } },
}));

/** What the server says in each page that it serves: where the console lies. */
function baseOfDevelopment(): Plugin {
  return {
    name: 'base-of-development',
    apply: 'serve',
    transformIndexHtml: () => [{ tag: 'base', attrs: { href: '/console/' }, injectTo: 'head-prepend' }],
  };
}
