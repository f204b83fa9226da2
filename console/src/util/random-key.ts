/** NOTE: not crypto.randomUUID, which browsers have only for pages from HTTPS and this machine. */
export function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
