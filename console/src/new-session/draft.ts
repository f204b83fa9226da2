import type { ExecuteRequest, FieldError } from '@greenroom/client';

/** The body of `POST /execute/` as it is being written: any object, valid or not. */
export type Draft = Partial<ExecuteRequest> & Record<string, unknown>;

/** A person sits here who can be asked; over the API nobody may be there, and calls are denied. */
export const emptyDraft: Draft = { approvals: 'ask' };

export function isEmptyDraft(draft: Draft): boolean {
  return JSON.stringify(draft) === JSON.stringify(emptyDraft);
}

/** What this browser may keep of it: no values that the server shows to nobody. */
export function withoutSecrets({ env: _, mcp_servers: __, ...draft }: Draft): Draft {
  return draft;
}

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
