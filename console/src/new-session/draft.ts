import type { ExecuteRequest, FieldError } from '@greenroom/client';

/** The body of `POST /execute/` as it is being written: any object, valid or not. */
export type Draft = Partial<ExecuteRequest> & Record<string, unknown>;

/** A value that is undefined takes the field out: its default holds. */
export function withField(draft: Draft, name: string, value: unknown): Draft {
  const { [name]: _, ...others } = draft;
  return value === undefined ? others : { ...others, [name]: value };
}

/** A text that is JSON, but no object, is no body either. */
export function parseDraft(text: string): Draft | null {
  try {
    const value = JSON.parse(text) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Draft) : null;
  } catch {
    return null;
  }
}

/** What the server says of each field; of `mcp_servers.weather.url` it stands at `mcp_servers`, with the rest of the way. */
export function errorsByField(errors: readonly FieldError[]): ReadonlyMap<string, string> {
  const byField = new Map<string, string>();
  for (const { field, message } of errors) {
    const [name = '', ...way] = field.split('.');
    const told = way.length === 0 ? message : `${way.join('.')}: ${message}`;
    byField.set(name, byField.has(name) ? `${byField.get(name)}; ${told}` : told);
  }
  return byField;
}
