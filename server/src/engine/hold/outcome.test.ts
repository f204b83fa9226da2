import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { outcomeOf, parseResult } from './outcome.ts';

type Context = Partial<Parameters<typeof outcomeOf>[1]>;

function outcome(fields: object, context: Context = {}) {
  const message = {
    type: 'result',
    subtype: 'success',
    is_error: false,
    session_id: '019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f',
    num_turns: 2,
    duration_ms: 100,
    result: 'done',
    usage: { input_tokens: 10 },
    ...fields,
  };
  return outcomeOf(parseResult(message), { options: {}, spentBudget: null, ...context });
}

function errorOf(fields: object, context: Context = {}) {
  const ended = outcome(fields, context);
  return ended.state === 'error' ? ended.error : assert.fail('it is no error');
}

describe('the outcome of a turn', () => {
  it('is an error when is_error says so, though subtype says success', () => {
    const failed = { is_error: true, api_error_status: 529, result: 'API Error: 529 overloaded' };
    assert.deepEqual(errorOf(failed), { code: 'overloaded', message: 'API Error: 529 overloaded' });
  });

  it('does not name the internal address of the model gateway, as the agent program does', () => {
    const result =
      'API Error: 529 busy. Try again in a moment. If it persists, check your inference gateway (127.0.0.1:38169).';
    const expected = 'API Error: 529 busy. Try again in a moment.';
    const failed = outcome({ is_error: true, api_error_status: 529, result });
    assert.equal(failed.result?.text, expected);
    assert.equal(failed.state === 'error' ? failed.error.message : null, expected);
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
    const context = {
      options: { output_format: { type: 'json_schema', schema: { type: 'object' } } },
    } as const;
    const { code } = errorOf({}, context);
    assert.equal(code, 'structured_output_failed');
    const retried = {
      subtype: 'error_max_structured_output_retries',
      is_error: true,
      result: null,
      errors: ['5 attempts'],
    };
    assert.deepEqual(errorOf(retried, context), { code, message: '5 attempts' });
    assert.equal(errorOf({ is_error: true, api_error_status: 529 }, context).code, 'overloaded');
    const { state, result } = outcome({ structured_output: { city: 'Rome' } }, context);
    assert.equal(state, 'completed');
    assert.deepEqual(result?.structured_output, { city: 'Rome' });
    assert.equal(outcome({ num_turns: 0 }, context).state, 'completed');
  });

  it('is a refusal when the model refused, however the agent program calls that', () => {
    const result = "API Error: the model's safeguards flagged this message";
    const refused = { stop_reason: 'refusal', is_error: true, terminal_reason: 'api_error', result };
    assert.deepEqual(errorOf(refused), { code: 'refusal', message: result });
    assert.equal(errorOf({ stop_reason: 'refusal' }).code, 'refusal');
    assert.equal(outcome({ stop_reason: 'end_turn' }).state, 'completed');
  });

  it('is an error when the model said nothing, unless there is structured output, or no model was asked', () => {
    assert.equal(errorOf({ result: ' \n' }).code, 'empty');
    assert.equal(outcome({ result: '', structured_output: {} }).state, 'completed');
    assert.equal(outcome({ result: '', num_turns: 0 }).state, 'completed');
    assert.equal(outcome({ result: null }).state, 'completed', 'older programs may leave it out');
  });

  it('keeps the beginning of an error that is very long', () => {
    const { message } = errorOf({ is_error: true, result: `API Error: ${'x'.repeat(100_000)}` });
    assert.match(message, /^API Error: x+…$/);
    assert.equal(message.length, 4_000);
  });

  it('says when the gateway refused because a budget is spent; a 402 of the model API itself is another matter', () => {
    const refused = { is_error: true, api_error_status: 402, result: 'API Error: 402' };
    const spentBudget = 'The session has cost all of it.';
    assert.deepEqual(errorOf(refused, { spentBudget }), { code: 'budget_exceeded', message: spentBudget });
    assert.equal(errorOf(refused).code, 'invalid_request');
    assert.equal(outcome({}, { spentBudget }).state, 'completed', 'it went on without');
  });

  it('always says something: the result, else the errors, else how it ended', () => {
    const empty = { subtype: 'error_during_execution', is_error: true, result: '' };
    assert.equal(errorOf({ ...empty, errors: ['one', 'two'] }).message, 'one\ntwo');
    assert.match(errorOf({ ...empty, errors: [] }).message, /error_during_execution/);
    assert.match(errorOf({ ...empty, result: null, terminal_reason: 'model_error' }).message, /model_error/);
  });
});
