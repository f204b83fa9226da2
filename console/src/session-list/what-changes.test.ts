import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sampleSummary } from './sample-summary.ts';
import { changesCounts } from './what-changes.ts';

const idle = sampleSummary();
const asking = sampleSummary({ state: 'needs_you', status: 'running', pending_approvals: 1 });

describe('what the stream tells', () => {
  it('changes counts by state, pin, archive and title, and when a session comes or goes', () => {
    assert.equal(changesCounts(asking, idle), true);
    assert.equal(changesCounts({ ...idle, archived: true }, idle), true);
    assert.equal(changesCounts({ ...idle, title: 'x' }, idle), true);
    assert.equal(changesCounts(idle, undefined), true);
    assert.equal(changesCounts(undefined, idle), true);
    assert.equal(changesCounts({ ...idle, cost_usd: 9, last_seq: 99 }, idle), false);
  });
});
