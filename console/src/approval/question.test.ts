import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isSimple, missingAnswers, noChoice, pick, pickOther, readQuestions, toAnswers } from './question.ts';

const option = (label: string) => ({ label, description: `about ${label}` });
const input = {
  questions: [
    { question: 'Which color?', header: 'Color', options: [option('red'), option('blue')] },
    { question: 'Which sizes?', header: 'Sizes', multiSelect: true, options: [option('S'), option('M')] },
  ],
};
const [color, sizes] = readQuestions(input);
assert.ok(color && sizes);

describe('questions of an agent', () => {
  it('are answered by their text: one text, or a list where several may be chosen', () => {
    const both = pick(sizes, pick(sizes, noChoice, 1), 0);
    const answers = toAnswers([color, sizes], [pick(color, noChoice, 1), both]);
    assert.deepEqual(answers, { 'Which color?': 'blue', 'Which sizes?': ['S', 'M'] });
  });

  it('are answered only when all of them are', () => {
    assert.equal(toAnswers([color, sizes], [pick(color, noChoice, 0)]), null);
    assert.equal(missingAnswers([color, sizes], [pick(color, noChoice, 0)]), 1);
    assert.equal(toAnswers([], []), null);
  });

  it('take an own answer in place of the single choice, and beside several', () => {
    const own = pickOther(color, pick(color, noChoice, 0), ' green ');
    assert.deepEqual(toAnswers([color], [own]), { 'Which color?': 'green' });
    const added = pickOther(sizes, pick(sizes, noChoice, 0), 'XL');
    assert.deepEqual(toAnswers([sizes], [added]), { 'Which sizes?': ['S', 'XL'] });
  });

  it('are not complete while an own answer is wanted and empty', () => {
    assert.equal(toAnswers([sizes], [pickOther(sizes, pick(sizes, noChoice, 0), ' ')]), null);
  });

  it('forget the own answer when an option is chosen instead', () => {
    assert.deepEqual(pick(color, pickOther(color, noChoice, 'green'), 0), { picked: [0], other: null });
  });

  it('give up what was chosen when it is pressed again, where several may be', () => {
    assert.deepEqual(pick(sizes, pick(sizes, noChoice, 0), 0).picked, []);
  });

  it('may be called like what objects have by nature', () => {
    const [odd] = readQuestions({ questions: [{ question: '__proto__', options: [option('a')] }] });
    assert.ok(odd);
    assert.equal(JSON.stringify(toAnswers([odd], [pick(odd, noChoice, 0)])), '{"__proto__":"a"}');
  });

  it('are none in an input that is broken', () => {
    assert.deepEqual(readQuestions({}), []);
    assert.deepEqual(readQuestions({ questions: [null, 'x', { question: 1 }] }), []);
    assert.deepEqual(readQuestions({ questions: [{ question: 'Q?', options: 'x' }] })[0]?.options, []);
  });

  it('are simple when one is asked, with one choice of few short ones', () => {
    assert.equal(isSimple([color]), true);
    assert.equal(isSimple([sizes]), false);
    assert.equal(isSimple([color, color]), false);
    assert.equal(
      isSimple(readQuestions({ questions: [{ question: 'Q?', options: [option('x'.repeat(61))] }] })),
      false,
    );
  });
});
