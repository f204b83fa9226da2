import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { snippetsOf } from './session-snippets.ts';

const session = {
  session_id: '01a2-x',
  options: { allowed_tools: ['Bash'] },
  title: "it's",
  cwd: null,
  metadata: {},
};
const options = { baseUrl: 'http://127.0.0.1:8000', needsKey: true };

describe('what is done with a session, as requests', () => {
  const [start, message, follow] = snippetsOf(
    session,
    { first: { prompt: "don't; rm -rf ~" }, message: 'go on' },
    options,
  );

  it('starts one like it, with nothing that leaves its quotes', () => {
    assert.match(start?.curl ?? '', /"prompt": "don'\\''t; rm -rf ~"/);
    assert.match(start?.typescript ?? '', /client\.execute\(\{\n {2}prompt: "don't; rm -rf ~"/);
    assert.doesNotMatch(start?.curl ?? '', /cwd|metadata/);
  });

  it('says something to it', () => {
    assert.match(message?.curl ?? '', /'http:\/\/127\.0\.0\.1:8000\/sessions\/01a2-x\/messages'/);
    assert.match(message?.typescript ?? '', /messages\.send\("01a2-x", \{/);
  });

  it('follows what happens', () => {
    assert.match(follow?.curl ?? '', /^curl -sSN '[^']+\/events'[\s\S]+text\/event-stream'$/);
    assert.match(follow?.typescript ?? '', /new GreenroomClient[\s\S]+for await \(const event of client/);
    assert.doesNotMatch(follow?.typescript ?? '', /CALL|const answer/);
  });
});
