import { lookup as resolveName } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { isAddressIn, parseAddress } from './ip-address.ts';

export type ResolvedAddress = { address: string; family: number };
/** All addresses of a name. */
export type Resolve = (hostname: string) => Promise<ResolvedAddress[]>;

export type DestinationPolicy = {
  /** Names, addresses and ranges that may be reached although they are private, and without https. */
  allowedPrivateHosts: readonly string[];
  resolve?: Resolve;
};

/** A destination that this server does not connect to. The message may be shown to whoever named it. */
export class DestinationRefused extends Error {
  override readonly name = 'DestinationRefused';
}

const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Whether an address is one of the internet: not of this machine, of a network behind it, of a cloud's metadata
 * service, nor one that leads to an IPv4 address by translation.
 */
export function isPublicAddress(text: string): boolean {
  const address = parseAddress(text);
  if (address === null || address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' || address.match(GLOBAL_UNICAST);
}

/**
 * Checks a URL that a client named, and where it leads at the moment. @throws DestinationRefused
 *
 * A name can lead elsewhere a moment later: connect to the addresses that this returns, or by `publicLookup`, and
 * follow no redirect.
 */
export async function checkDestination(text: string, policy: DestinationPolicy): Promise<ResolvedAddress[]> {
  if (!URL.canParse(text)) throw new DestinationRefused('is not a URL');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new DestinationRefused('must begin with https://');
  }
  if (url.username !== '' || url.password !== '') {
    throw new DestinationRefused('must not hold a user name or a password: send them in headers');
  }
  const addresses = await resolvePublic(url.hostname, policy);
  if (url.protocol === 'http:' && !isListed(url.hostname, addresses, policy)) {
    throw new DestinationRefused('must begin with https://: this server sends nothing unencrypted there');
  }
  return addresses;
}

/** The addresses of a host, every one of which may be connected to. @throws DestinationRefused */
export async function resolvePublic(hostname: string, policy: DestinationPolicy): Promise<ResolvedAddress[]> {
  const addresses = await addressesOf(hostname, policy.resolve ?? resolveAll);
  if (addresses.length === 0) throw new DestinationRefused('has a host that has no address');
  if (isListed(hostname, addresses, policy)) return addresses;
  if (addresses.every(({ address }) => isPublicAddress(address))) return addresses;
  // NOTE: does not name the address, which would let clients look up names of a private network.
  throw new DestinationRefused('leads to a private address, which this server does not connect to');
}

/**
 * For the `lookup` option of Node's sockets and agents: what is connected to is what was checked. Sockets ask it for
 * names only: check a URL by `checkDestination` first.
 */
export function publicLookup(policy: DestinationPolicy): LookupFunction {
  return (hostname, options, callback) => {
    resolvePublic(hostname, policy).then(
      (addresses) => {
        const [first] = addresses;
        if (options.all) callback(null, addresses);
        else callback(null, first?.address ?? '', first?.family);
      },
      (error: Error) => callback(error, '', 0),
    );
  };
}

async function addressesOf(hostname: string, resolve: Resolve): Promise<ResolvedAddress[]> {
  const literal = parseAddress(hostname);
  if (literal !== null) return [{ address: literal.toString(), family: literal.kind() === 'ipv4' ? 4 : 6 }];
  try {
    return await resolve(hostname);
  } catch (error) {
    throw new DestinationRefused('has a host that cannot be found', { cause: error });
  }
}

async function resolveAll(hostname: string): Promise<ResolvedAddress[]> {
  return await resolveName(hostname, { all: true, verbatim: true });
}

function isListed(
  hostname: string,
  addresses: readonly ResolvedAddress[],
  { allowedPrivateHosts }: DestinationPolicy,
): boolean {
  const name = hostname.toLowerCase().replace(/\.$/, '');
  if (allowedPrivateHosts.some((host) => host.toLowerCase() === name)) return true;
  return addresses.every(({ address }) => isAddressIn(address, allowedPrivateHosts));
}
