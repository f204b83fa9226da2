import { acknowledge, longestStatement, recall, rememberAll } from './memory.ts';

const introduction =
  "I am Greenroom's built-in demo model. I am not Claude: I am a set of simple rules that speaks the Claude " +
  'API, so that you can try sessions and tools without a key. To talk to the real Claude, ' +
  'set ANTHROPIC_API_KEY and start the server again.';
const abilities = `Try one of these:

- count from 1 to 100
- my name is Ada … and later: what is my name?
- run: ls -la
- create a file notes.txt with some text, then read notes.txt
- edit notes.txt replace some with more
- fetch https://example.com
- ask me: Which colour? red, green or blue`;

const largestCount = 100_000;
/** Of a prompt, in characters. */
const longestRead = 20_000;
/** In characters; no more lines are answered then. */
const longestAnswer = 1_000_000;
const sum =
  /^\s*(?:(?:what(?:'s|’s| is)|how much is|calculate|compute)\s+)?(-?\d+(?:\.\d+)?)\s*(\+|-|−|\*|×|x|\/|÷|plus|minus|times|divided by)\s*(-?\d+(?:\.\d+)?)\s*(?:[?=.!]|$)/i;

/** An answer in words to any prompt, when no tool is called for. */
export function answerInWords(prompt: string, earlierPrompts: string[]): string {
  return answerLines(prompt, earlierPrompts) ?? greet(prompt) ?? fallback(prompt);
}

/** Prompts that were sent one after the other arrive as the lines of one; each gets its answer, where there is one. */
export function answerLines(prompt: string, earlierPrompts: string[]): string | undefined {
  const memory = rememberAll(earlierPrompts, prompt.slice(0, longestRead));
  // Pasted text is no list of questions, and patterns are slow on it.
  const lines = prompt
    .split('\n')
    .slice(0, 50)
    .filter((line) => line.length <= longestStatement);
  const answers: string[] = [];
  let left = longestAnswer;
  for (const line of lines) {
    const answer =
      count(line) ?? recall(line, memory) ?? introduce(line) ?? calculate(line) ?? acknowledge(line);
    if (answer === undefined) continue;
    answers.push(answer);
    left -= answer.length;
    if (left <= 0) break;
  }
  return answers.length > 0 ? answers.join('\n\n') : undefined;
}

function count(prompt: string): string | undefined {
  const match = /\bcount\b(?:\s+\p{L}+){0,6}?(?:\s+(\d[\d,]*))?\s+(?:up\s+)?to\s+(\d[\d,]*)/iu.exec(prompt);
  if (!match) return undefined;
  const first = toNumber(match[1] ?? '1');
  const last = Math.min(toNumber(match[2] ?? '1'), first + largestCount - 1);
  const separator = /\bcommas?\b|\bone line\b/i.test(prompt) ? ', ' : '\n';
  return Array.from({ length: Math.max(last - first + 1, 0) }, (_, index) => first + index).join(separator);
}

function introduce(prompt: string): string | undefined {
  if (/\b(?:what can you do|help)\b/i.test(prompt)) return `${introduction}\n\n${abilities}`;
  const asksWho =
    /\bintroduce yourself\b|\b(?:who|what) are you\b|\bare you (?:claude|real)\b|\bwhat(?:'s| is) your name\b|\bwhich model\b/i;
  return asksWho.test(prompt) ? introduction : undefined;
}

function calculate(prompt: string): string | undefined {
  const match = sum.exec(prompt);
  if (!match) return undefined;
  const [, left = '', sign = '', right = ''] = match;
  return `${left} ${sign} ${right} = ${Number(compute(Number(left), sign.toLowerCase(), Number(right)).toFixed(10))}`;
}

function compute(left: number, sign: string, right: number): number {
  if (sign === '+' || sign === 'plus') return left + right;
  if (sign === '-' || sign === '−' || sign === 'minus') return left - right;
  if (sign === '/' || sign === '÷' || sign === 'divided by') return left / right;
  return left * right;
}

function greet(prompt: string): string | undefined {
  return /^\s*(?:hi|hello|hey|good (?:morning|evening|day))\b/i.test(prompt)
    ? "Hello! I am Greenroom's built-in demo model. Ask me to introduce myself, or say “help”."
    : undefined;
}

function fallback(prompt: string): string {
  const quoted = prompt.length > 200 ? `${prompt.slice(0, 200)}…` : prompt;
  return (
    `You said: ${quoted || '(nothing)'}\n\nI am Greenroom's built-in demo model, not Claude, and I only follow simple rules. ` +
    'Say “help” to see what I can do, or set ANTHROPIC_API_KEY to talk to Claude.'
  );
}

function toNumber(digits: string): number {
  return Number(digits.replaceAll(',', ''));
}
