import { access, constants } from 'node:fs/promises';
import { type Browser, chromium } from 'playwright-core';

const DEFAULT_PATH = '/usr/bin/chromium';

/** Names resolve to nothing but this machine: whoever asks for another host is found out, and gets no answer. */
const ARGUMENTS = [
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** One browser, for all tests of a file: each test has a context of its own in it. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM_PATH ?? DEFAULT_PATH;
  try {
    await access(executablePath, constants.X_OK);
  } catch (cause) {
    throw new Error(
      `no Chromium at ${executablePath}: install the package \`chromium\` (Debian), or set CHROMIUM_PATH`,
      { cause },
    );
  }
  // Chromium's own sandbox refuses to start as root.
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  return await chromium.launch({ executablePath, args: [...ARGUMENTS, ...sandbox] });
}
