import { Ajv } from 'ajv';

/** A JSON Schema without the version that it names: the agent program knows no other than its own (draft 7). */
export function withoutVersion(schema: Record<string, unknown>): Record<string, unknown> {
  const { $schema: _, ...rest } = schema;
  return rest;
}

/** What is wrong with a JSON Schema, or null. The agent program would not start with a wrong one. */
export function schemaProblem(schema: Record<string, unknown>): string | null {
  try {
    new Ajv({ strict: false, validateFormats: false, logger: false }).compile(withoutVersion(schema));
    return null;
  } catch (error) {
    return (error as Error).message.replace(/^schema is invalid: /, '').replaceAll('data/', '');
  }
}
