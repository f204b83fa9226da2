/* Names of environment variables that a request may give its agent. */

const deniedNames = new Set([
  'PATH',
  'HOME',
  'TMPDIR',
  'SHELL',
  'IFS',
  'ENV',
  'BASH_ENV',
  'PROMPT_COMMAND',
  'SHELLOPTS',
  'BASHOPTS',
  'NODE_OPTIONS',
  'NODE_PATH',
  'NODE_EXTRA_CA_CERTS',
  'NODE_USE_ENV_PROXY',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'PYTHONSTARTUP',
  'PYTHONPATH',
  'PYTHONHOME',
  'PERL5OPT',
  'PERL5LIB',
  'RUBYOPT',
  'GCONV_PATH',
  'GLIBC_TUNABLES',
  'SSLKEYLOGFILE',
  'IS_SANDBOX',
  'API_TIMEOUT_MS',
  'API_FORCE_IDLE_TIMEOUT',
  'MCP_TIMEOUT',
  'DISABLE_AUTOUPDATER',
]);
const deniedPrefixes =
  /^(LD_|DYLD_|BUN_|GIT_|SSL_|AWS_|ANTHROPIC_|CLAUDE_|CLAUDECODE|GREENROOM_|BASH_FUNC_|OTEL_)/;
const deniedSuffixes = /(^|_)PROXY$/;

/** True for names that would change which programs or libraries the agent runs, or where its traffic goes. */
export function isDeniedVariable(name: string): boolean {
  const upper = name.toUpperCase();
  return deniedNames.has(upper) || deniedPrefixes.test(upper) || deniedSuffixes.test(upper);
}

/** What POSIX allows in a name, so that every shell passes it on. */
export function isVariableName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}
