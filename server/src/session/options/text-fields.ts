import { z } from 'zod';
import { isVariableName } from './variables.ts';

// PostgreSQL's text cannot hold it, and neither can a program's arguments or environment.
const NUL = '\u0000';

/** Any text that can be stored and handed to a program. */
export const text = z.string().refine((value) => !value.includes(NUL), 'must not contain a NUL character');

// Linux starts no program with an argument or a variable of 128 KB or more.
export const MAX_ARGUMENT_BYTES = 100_000;

export function fits(value: string): boolean {
  return Buffer.byteLength(value) <= MAX_ARGUMENT_BYTES;
}

/** A value that, as JSON, fits into an argument of a program. */
export function fitsAsJson(value: unknown): boolean {
  return fits(JSON.stringify(value));
}

export const TOO_LONG_IN_ALL = `must not be longer than ${MAX_ARGUMENT_BYTES} bytes in all`;

/** Variables for a program's environment. `refuse` says what is wrong with one, or null. */
export function variablesUnless(refuse: (name: string) => string | null) {
  return z
    .record(z.string(), text)
    .superRefine((given, context) => {
      for (const [name, value] of Object.entries(given)) {
        const message = refuseVariable(name, value) ?? refuse(name);
        if (message !== null) context.addIssue({ code: 'custom', path: [name], message });
      }
    })
    .refine((given) => Buffer.byteLength(JSON.stringify(given)) <= 5 * MAX_ARGUMENT_BYTES, {
      error: `must not be longer than ${5 * MAX_ARGUMENT_BYTES} bytes in all`,
    });
}

export const variables = variablesUnless(() => null);

function refuseVariable(name: string, value: string): string | null {
  if (!isVariableName(name)) return 'is not a valid variable name (letters, digits and _)';
  return fits(name + value) ? null : `must not be longer than ${MAX_ARGUMENT_BYTES} bytes`;
}
