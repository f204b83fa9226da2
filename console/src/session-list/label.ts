export type Label = { key: string; value: string };

const LABEL = /^((?:\\.|[^\\:])*):(.*)$/s;

/** `key:value` as the API writes it: up to the first colon that has no backslash before it is the key. */
export function parseLabel(text: string): Label | null {
  const [found, key = '', value = ''] = LABEL.exec(text) ?? [];
  return found === undefined ? null : { key: key.replace(/\\(.)/gs, '$1'), value };
}

export function writeLabel({ key, value }: Label): string {
  return `${key.replace(/[\\:]/g, '\\$&')}:${value}`;
}
