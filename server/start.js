import { boundMemory } from './memory.js';

// Plain JavaScript, so that an older Node can read it and say what is missing.
if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    `error: Greenroom runs on Node.js 24 or newer and this is ${process.version}\n` +
      'hint: start it by "npm start", or as node_modules/.bin/node server/start.js: "npm ci" brings Node.js 24 for Linux ' +
      '(x64, arm64), Windows and Macs with Intel. Elsewhere install it first.\n',
  );
  process.exitCode = 1;
} else {
  boundMemory();
  await import('./src/main.ts');
}
