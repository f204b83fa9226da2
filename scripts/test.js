// Runs tests with one PostgreSQL for all of them: those that are named, or all.
//   npm test -- server/test/session/approvals.test.ts --test-name-pattern=denied
import { spawnSync } from 'node:child_process';

const suites = {
  unit: ['server/**/*.test.ts', 'client/**/*.test.ts', 'console/src/**/*.test.ts'],
  browser: ['console/test/**/*.browser.ts'],
};

const [suite, ...given] = process.argv.slice(2);
const more = (process.env.TEST_FLAGS ?? '').split(' ').filter((flag) => flag !== '');
const flags = [...more, ...given.filter((argument) => argument.startsWith('-'))];
const files = given.filter((argument) => !argument.startsWith('-'));

const { status, signal } = spawnSync(
  process.execPath,
  [
    '--test',
    '--test-global-setup=server/test/support/global-setup.ts',
    '--test-concurrency=2',
    '--test-timeout=180000',
    ...flags,
    ...(files.length > 0 ? files : suites[suite]),
  ],
  { stdio: 'inherit' },
);
process.exitCode = signal === null ? (status ?? 1) : 1;
