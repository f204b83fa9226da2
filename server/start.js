// Plain JavaScript, so that an older Node can read it and say what is missing.
if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    `error: Greenroom runs on Node.js 24 and this is ${process.version}; "npm ci" installs 24 by a script, and scripts are off\n` +
      'hint: npm rebuild node\n',
  );
  process.exitCode = 1;
} else {
  await import('./src/main.ts');
}
