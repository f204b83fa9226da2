import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** An address as it is compared: one of IPv4 that is written as IPv6 is the IPv4 one. */
export function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  const bare = text.replace(/^\[(.*)\]$/, '$1').split('%')[0] ?? '';
  return isIP(bare) === 0 ? null : ipaddr.process(bare);
}

/** Whether `text` is an address or a range (`10.0.0.0/8`). */
export function isAddressRange(text: string): boolean {
  return parseRange(text) !== null;
}

/** Whether the address is one of these, or lies in one of these ranges. */
export function isAddressIn(address: string, ranges: readonly string[]): boolean {
  const parsed = parseAddress(address);
  if (parsed === null) return false;
  return ranges.some((text) => {
    const range = parseRange(text);
    return range !== null && range[0].kind() === parsed.kind() && parsed.match(range);
  });
}

/** What one user has at least: an IPv4 address, or 64 bits of IPv6, in which addresses cost nothing. */
export function addressBlock(address: string): string {
  const parsed = parseAddress(address);
  if (parsed === null) return address;
  if (parsed.kind() === 'ipv4') return parsed.toString();
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed.toString()}/64`).toString()}/64`;
}

function parseRange(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] | null {
  const single = parseAddress(text);
  if (single !== null) return [single, single.kind() === 'ipv4' ? 32 : 128];
  if (!/^[0-9a-f.:]+\/\d{1,3}$/i.test(text) || !ipaddr.isValidCIDR(text)) return null;
  return ipaddr.parseCIDR(text);
}
