import { type Marks, replaceMarked } from './text.ts';

export type Fault =
  | { kind: 'error'; status: number; times: number; retryAfterSeconds: number | undefined }
  | { kind: 'hang' }
  | { kind: 'stall' }
  | { kind: 'cut'; times: number };

export type Directives = {
  /** The prompt without its directives. */
  text: string;
  fault: Fault | undefined;
  tokensPerSecond: number | undefined;
  think: boolean;
  say: string | undefined;
  /** An answer that is none: the model refuses to go on, or says nothing at all. */
  noAnswer: 'refuse' | 'empty' | undefined;
};

const marks: Marks = { open: '[demo:', close: ']' };
const directive = /^\[demo:(error|hang|stall|cut|refuse|empty|slow|think|say)\b([^\]]*)\]$/i;

/** Takes `[demo:…]` out of a prompt. The table is in demo-model.ts. */
export function readDirectives(prompt: string): Directives {
  const read: Directives = {
    text: '',
    fault: undefined,
    tokensPerSecond: undefined,
    think: false,
    say: undefined,
    noAnswer: undefined,
  };
  const text = replaceMarked(prompt, marks, (part) => {
    const [, name, argument = ''] = directive.exec(part) ?? [];
    if (name === undefined) return part;
    apply(read, name.toLowerCase(), argument.trim());
    return '';
  });
  return { ...read, text: text.trim() };
}

function apply(read: Directives, name: string, argument: string): void {
  const number = Number(/\d+(?:\.\d+)?/.exec(argument)?.[0]);
  if (name === 'error') read.fault = errorFault(argument);
  if (name === 'hang' || name === 'stall') read.fault = { kind: name };
  if (name === 'cut') read.fault = { kind: 'cut', times: timesIn(argument) ?? 1 };
  if (name === 'slow') read.tokensPerSecond = number > 0 ? number : 1;
  if (name === 'think') read.think = true;
  if (name === 'say') read.say = argument;
  if (name === 'refuse' || name === 'empty') read.noAnswer = name;
}

function errorFault(argument: string): Fault {
  const retryAfter = /retry-after (\d+)/i.exec(argument)?.[1];
  return {
    kind: 'error',
    status: Number(/^\d{3}/.exec(argument)?.[0] ?? 500),
    times: timesIn(argument) ?? Number.POSITIVE_INFINITY,
    retryAfterSeconds: retryAfter === undefined ? undefined : Number(retryAfter),
  };
}

function timesIn(argument: string): number | undefined {
  const times = /\bx(\d+)\b/i.exec(argument)?.[1];
  return times === undefined ? undefined : Number(times);
}
