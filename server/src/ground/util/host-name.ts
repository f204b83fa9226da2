/** Whether every name that `inner` stands for is one that `pattern` stands for. */
export function coversName(pattern: string, inner: string): boolean {
  const [allowed, asked] = [pattern, inner].map((name) => name.toLowerCase().replace(/\.$/, ''));
  if (allowed === '*' || allowed === asked) return true;
  return allowed?.startsWith('*.') === true && asked?.endsWith(allowed.slice(1)) === true;
}
