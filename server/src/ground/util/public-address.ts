import { lookup as resolveName } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import { isAddressIn, parseAddress } from './ip-address.ts';

export type ResolvedAddress = { address: string; family: number };
/** All addresses of a name. */
export type Resolve = (hostname: string) => Promise<ResolvedAddress[]>;

export type DestinationPolicy = {
  /** Names, addresses and ranges that may be reached although they are private, and without https. */
  allowedPrivateHosts: readonly string[];
  resolve?: Resolve;
  /** Addresses of this machine. */
  ownAddresses?: () => readonly string[];
};

/** A destination that this server does not connect to. The message may be shown to whoever named it. */
export class DestinationRefused extends Error {
  override readonly name = 'DestinationRefused';
}

const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Answered by the cloud that a machine runs in, with its metadata and credentials. Most clouds do so in ranges that are
 * not of the internet anyway; Azure's WireServer has an address that looks as if it were.
 */
const cloudAddresses = [
  '168.63.129.16', // Azure
  '169.254.169.254', // AWS, Azure, Google Cloud, Oracle, OpenStack and others
  '169.254.170.2', // AWS containers
  '100.100.100.200', // Alibaba Cloud
  '192.0.0.192', // Oracle
  'fd00:ec2::254', // AWS
  'fd20:ce::254', // Google Cloud
];

/**
 * Whether an address is one of the internet: not of this machine's loopback, of a network behind it, of a cloud's
 * metadata service, nor one that leads to an IPv4 address by translation.
 */
export function isPublicAddress(text: string): boolean {
  const address = parseAddress(text);
  if (address === null || address.range() !== 'unicast' || isAddressIn(text, cloudAddresses)) return false;
  return address.kind() === 'ipv4' || address.match(GLOBAL_UNICAST);
}

/** Names that public DNS has no address for: of this machine, of a network behind it, of a cloud's metadata service. */
export function isPrivateName(hostname: string): boolean {
  const name = normal(hostname);
  return (
    !name.includes('.') ||
    /\.(localhost|local|internal|intranet|lan|home\.arpa)$/.test(name) ||
    name === 'metadata.goog'
  );
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
  const own = (policy.ownAddresses ?? addressesOfMachine)();
  const mayReach = ({ address }: ResolvedAddress): boolean =>
    isPublicAddress(address) && !isAddressIn(address, own);
  if (addresses.every(mayReach)) return addresses;
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

/** At the moment: they come and go. What leads here from outside, by an address that it has not itself, is not known. */
function addressesOfMachine(): string[] {
  return Object.values(networkInterfaces()).flatMap((found = []) => found.map(({ address }) => address));
}

function normal(hostname: string): string {
  return hostname.toLowerCase().replace(/\.$/, '');
}

function isListed(
  hostname: string,
  addresses: readonly ResolvedAddress[],
  { allowedPrivateHosts }: DestinationPolicy,
): boolean {
  const name = normal(hostname);
  if (allowedPrivateHosts.some((host) => host.toLowerCase() === name)) return true;
  return addresses.every(({ address }) => isAddressIn(address, allowedPrivateHosts));
}
