import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { languageOfName, languageOfPath } from './language.ts';

describe('the language of code', () => {
  it('is that of the path', () => {
    assert.equal(languageOfPath('/workspace/src/a.test.ts'), 'typescript');
    assert.equal(languageOfPath('C:\\x\\Main.JAVA'), 'java');
    assert.equal(languageOfPath('Dockerfile.dev'), 'docker');
    assert.equal(languageOfPath('.env.local'), 'shellscript');
    assert.equal(languageOfPath('Makefile'), 'shellscript');
  });

  it('is that of the fence', () => {
    assert.equal(languageOfName('TS'), 'typescript');
    assert.equal(languageOfName('bash'), 'shellscript');
  });

  it('is none where nothing says so, whatever it is called', () => {
    for (const name of ['constructor', '__proto__', 'toString', 'mermaid', '', '../../x']) {
      assert.equal(languageOfName(name), null, name);
    }
    for (const path of ['', '/', 'README', 'a.constructor', 'typescript'])
      assert.equal(languageOfPath(path), null, path);
  });
});
