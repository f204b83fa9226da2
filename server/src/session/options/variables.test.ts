import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isDeniedVariable, isVariableName } from './variables.ts';

describe('a variable that a request names', () => {
  it('is denied when it changes what runs or where traffic goes, in small letters too', () => {
    const names = ['LD_PRELOAD', 'ld_library_path', 'DYLD_INSERT_LIBRARIES', 'NODE_OPTIONS', 'Path', 'home'];
    names.push('BASH_ENV', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_USE_BEDROCK', 'AWS_PROFILE', 'IS_SANDBOX');
    names.push('https_proxy', 'HTTP_PROXY', 'no_proxy', 'GIT_SSH_COMMAND', 'SSL_CERT_FILE', 'PYTHONPATH');
    for (const name of names) assert.ok(isDeniedVariable(name), name);
  });

  it('is allowed otherwise, also when it resembles one that is denied', () => {
    const names = ['LANG', 'TZ', 'MY_PATH', 'HOMEPAGE', 'OLD_STYLE', 'PROXY_COUNT', 'MYPROXY', 'NODE_ENV'];
    for (const name of names) assert.ok(!isDeniedVariable(name), name);
  });

  it('has a name that every shell takes', () => {
    for (const name of ['A', '_', 'a1_B']) assert.ok(isVariableName(name), name);
    for (const name of ['', '1A', 'A-B', 'A=B', 'A B', 'A\n', 'É', 'A\u0000'])
      assert.ok(!isVariableName(name));
  });
});
