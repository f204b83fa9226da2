/** A JSON Schema, or a part of one, that is no `true` or `false`. */
export type SchemaObject = Record<string, unknown>;

/**
 * Who is to read the schema. `answers`: the agent program, which compiles it strictly as draft 7 and does not start with
 * a word that it does not know; and the model API. `inputs`: the model API alone, which takes draft 2020-12.
 */
export type SchemaUse = 'answers' | 'inputs';

/** What the agent program can be started with as an argument. */
export const MAX_BYTES = 100_000;
const MAX_POINTER_LENGTH = 500;

/** A schema that cannot be used. The message begins with where in it: a JSON pointer, nothing for the whole. */
export class UnfitSchema extends Error {
  constructor(place: Place, message: string) {
    super(place === null ? message : `${toPointer(place).slice(0, MAX_POINTER_LENGTH)} ${message}`);
    this.name = 'UnfitSchema';
  }
}

export function isObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Where something stands in a schema. Its pointer is only made where it is needed: names may be long. */
export type Place = { parent: Place; step: string | number } | null;

/** The place of what lies in `place` under these names. */
export function below(place: Place, ...steps: (string | number)[]): Place {
  return steps.reduce<Place>((parent, step) => ({ parent, step }) as Place, place);
}

export function toPointer(place: Place): string {
  const steps: string[] = [];
  for (let at = place; at !== null; at = at.parent) steps.push(escapeStep(at.step));
  return steps.toReversed().join('');
}

function escapeStep(step: string | number): string {
  return `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
