/** Where a link leads: what may be opened of what agents write, and how it is told to the reader before. */
export type SafeUrl = {
  href: string /** Its host as it is on the wire (`xn--…`), or the address of a mail. */;
  target: string;
};

const schemes = new Set(['http:', 'https:', 'mailto:']);
const LONGEST = 4_096;

/** Null is everything else: scripts, data, files, relative paths, and what is no address at all. */
export function safeUrl(address: string): SafeUrl | null {
  if (address.length > LONGEST || !/^(https?:\/\/|mailto:)/i.test(address.trim())) return null;
  const url = URL.parse(address);
  if (url === null || !schemes.has(url.protocol)) return null;
  // `https://bank.example@evil.example/` reads as the bank.
  if (url.username !== '' || url.password !== '') return null;
  return { href: url.href, target: url.protocol === 'mailto:' ? url.pathname : url.host };
}
