import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { outcomeOf, parseResult } from './outcome.ts';

const model = {
  inputTokens: 10,
  outputTokens: 20,
  cacheReadInputTokens: 300,
  cacheCreationInputTokens: 4_000,
  costUSD: 0.25,
  contextWindow: 200_000,
};

function outcome(fields: object, options: Parameters<typeof outcomeOf>[1] = {}) {
  const message = {
    type: 'result',
    subtype: 'success',
    is_error: false,
    session_id: '019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f',
    num_turns: 2,
    duration_ms: 100,
    result: 'done',
    usage: { input_tokens: 10 },
    total_cost_usd: 99,
    model_usage_since_last_result: { 'claude-opus': model },
    ...fields,
  };
  return outcomeOf(parseResult(message), options);
}

function errorOf(fields: object, options: Parameters<typeof outcomeOf>[1] = {}) {
  const ended = outcome(fields, options);
  return ended.state === 'error' ? ended.error : assert.fail('it is no error');
}

describe('the outcome of a turn', () => {
  it('costs what every model used since the last result, not the running total', () => {
    const { costUsd, usage } = outcome({
      model_usage_since_last_result: { 'claude-opus': model, 'claude-haiku': { ...model, costUSD: 0.5 } },
    });
    assert.equal(costUsd, 0.75);
    assert.deepEqual(usage, {
      input_tokens: 20,
      output_tokens: 40,
      cache_read_input_tokens: 600,
      cache_creation_input_tokens: 8_000,
    });
  });

  it('is an error when is_error says so, though subtype says success', () => {
    const failed = { is_error: true, api_error_status: 529, result: 'API Error: 529 overloaded' };
    assert.deepEqual(errorOf(failed), { code: 'overloaded', message: 'API Error: 529 overloaded' });
    assert.ok(outcome(failed).costUsd > 0, 'what was spent before counts');
  });

  it('is an error when the turn was cut off, though nothing else says so', () => {
    assert.equal(errorOf({ terminal_reason: 'aborted_streaming' }).code, 'interrupted');
    assert.equal(outcome({ terminal_reason: 'completed' }).state, 'completed');
    assert.equal(outcome({}).state, 'completed', 'older programs give no reason');
  });

  it('is a success when the reason is null', () => {
    assert.equal(outcome({ terminal_reason: null }).state, 'completed');
  });

  it('has a code for each kind of API error', () => {
    const codes = {
      400: 'invalid_request',
      401: 'authentication_failed',
      403: 'authentication_failed',
      404: 'invalid_request',
      429: 'rate_limited',
      500: 'api_error',
      529: 'overloaded',
    };
    for (const [status, code] of Object.entries(codes)) {
      assert.equal(errorOf({ is_error: true, api_error_status: Number(status) }).code, code, status);
    }
    assert.equal(errorOf({ is_error: true, api_error_status: null }).code, 'api_error');
    assert.equal(errorOf({ subtype: 'error_max_turns', is_error: true }).code, 'max_turns');
  });

  it('fails without the structured output that the session asks for, unless no model was asked', () => {
    const options = { output_format: { type: 'json_schema', schema: { type: 'object' } } } as const;
    const { code } = errorOf({}, options);
    assert.equal(code, 'structured_output_failed');
    const retried = {
      subtype: 'error_max_structured_output_retries',
      is_error: true,
      result: null,
      errors: ['5 attempts'],
    };
    assert.deepEqual(errorOf(retried, options), { code, message: '5 attempts' });
    assert.equal(errorOf({ is_error: true, api_error_status: 529 }, options).code, 'overloaded');
    const { state, result } = outcome({ structured_output: { city: 'Rome' } }, options);
    assert.equal(state, 'completed');
    assert.deepEqual(result?.structured_output, { city: 'Rome' });
    assert.equal(outcome({ num_turns: 0 }, options).state, 'completed');
  });

  it('says when the budget was used up', () => {
    const spent = { subtype: 'error_max_budget_usd', is_error: true, terminal_reason: 'budget_exhausted' };
    assert.equal(errorOf(spent).code, 'budget_exceeded');
  });

  it('always says something: the result, else the errors, else how it ended', () => {
    const empty = { subtype: 'error_during_execution', is_error: true, result: '' };
    assert.equal(errorOf({ ...empty, errors: ['one', 'two'] }).message, 'one\ntwo');
    assert.match(errorOf({ ...empty, errors: [] }).message, /error_during_execution/);
    assert.match(errorOf({ ...empty, result: null, terminal_reason: 'model_error' }).message, /model_error/);
  });

  it('cannot be read from a message that does not say what the turn cost', () => {
    assert.throws(() => outcome({ model_usage_since_last_result: undefined }));
  });
});
