/** The languages that code is coloured in, and how files and fences of code name them. */
export const languages = [
  'typescript',
  'tsx',
  'javascript',
  'json',
  'shellscript',
  'python',
  'html',
  'css',
  'markdown',
  'yaml',
  'toml',
  'sql',
  'diff',
  'go',
  'rust',
  'java',
  'c',
  'docker',
] as const;
export type Language = (typeof languages)[number];

/** By the ending of a file, or by the word behind the fence. */
const names: Record<string, Language> = {
  ts: 'typescript',
  mts: 'typescript',
  cts: 'typescript',
  js: 'javascript',
  mjs: 'javascript',
  cjs: 'javascript',
  jsx: 'tsx',
  jsonc: 'json',
  json5: 'json',
  jsonl: 'json',
  ndjson: 'json',
  ipynb: 'json',
  webmanifest: 'json',
  sh: 'shellscript',
  bash: 'shellscript',
  zsh: 'shellscript',
  shell: 'shellscript',
  console: 'shellscript',
  env: 'shellscript',
  py: 'python',
  pyi: 'python',
  python3: 'python',
  htm: 'html',
  xml: 'html',
  svg: 'html',
  vue: 'html',
  svelte: 'html',
  scss: 'css',
  less: 'css',
  md: 'markdown',
  mdx: 'markdown',
  yml: 'yaml',
  ini: 'toml',
  cfg: 'toml',
  conf: 'toml',
  postgresql: 'sql',
  psql: 'sql',
  patch: 'diff',
  golang: 'go',
  rs: 'rust',
  kt: 'java',
  kts: 'java',
  gradle: 'java',
  h: 'c',
  cc: 'c',
  cpp: 'c',
  cxx: 'c',
  hpp: 'c',
  'c++': 'c',
  dockerfile: 'docker',
  containerfile: 'docker',
};

const wholeNames: Record<string, Language> = {
  makefile: 'shellscript',
  '.bashrc': 'shellscript',
  '.zshrc': 'shellscript',
  '.profile': 'shellscript',
  '.gitconfig': 'toml',
  '.editorconfig': 'toml',
  '.npmrc': 'toml',
  '.prettierrc': 'json',
};

/** Null where there is nothing to colour it by. */
export function languageOfPath(path: string): Language | null {
  const file = (path.split(/[\\/]/).at(-1) ?? '').toLowerCase();
  if (/^(dockerfile|containerfile)\b/.test(file)) return 'docker';
  if (file.startsWith('.env')) return 'shellscript';
  return (
    lookUp(wholeNames, file) ?? (file.includes('.') ? languageOfName(file.split('.').at(-1) ?? '') : null)
  );
}

export function languageOfName(name: string): Language | null {
  const word = name.trim().toLowerCase();
  return languages.find((language) => language === word) ?? lookUp(names, word);
}

/** Names are anybody's: `constructor` is no language. */
function lookUp(table: Record<string, Language>, name: string): Language | null {
  return Object.hasOwn(table, name) ? (table[name] ?? null) : null;
}
