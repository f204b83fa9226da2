import {
  below,
  isObject,
  MAX_BYTES,
  type Place,
  type SchemaObject,
  toPointer,
  UnfitSchema,
} from './schema.ts';

/** A schema that refers to another one: as it was given, where that was, and as it was made fit. */
export type Reference = { given: SchemaObject; place: Place; holder: SchemaObject };

/** What a schema became, and where that is. */
export type FittedPart = { to: Place; size: number; height: number; hasReference: boolean };

/**
 * Points each reference to where its schema is now. Only places in the schema itself can be meant: there is nowhere to
 * fetch others from. Throws `UnfitSchema`.
 *
 * @param parts by the schemas as they were given
 * @returns the part that each refers to
 */
export function resolveReferences(
  references: readonly Reference[],
  root: SchemaObject,
  parts: ReadonlyMap<object, FittedPart>,
): FittedPart[] {
  const targets = new Map<object, object>();
  let length = 0;
  const found = references.map(({ given, place, holder }) => {
    const target = find(root, String(holder.$ref));
    const part = target === undefined ? undefined : parts.get(target);
    if (target === undefined || part === undefined) {
      const message = 'must refer to a schema in this one, such as "#/$defs/name": nothing is there';
      throw new UnfitSchema(below(place, '$ref'), message);
    }
    targets.set(given, target);
    const reference = toReference(part.to);
    // Where a schema is now may take far more to say than where it was.
    length += reference.length;
    if (length > MAX_BYTES) throw new UnfitSchema(null, `must not have more than ${MAX_BYTES} bytes`);
    holder.$ref = reference;
    return part;
  });
  refuseLoops(references, targets);
  return found;
}

/** References that lead to nothing but references, and back: no value could ever be checked against them. */
function refuseLoops(references: readonly Reference[], targets: ReadonlyMap<object, object>): void {
  const ending = new Set<object>();
  for (const { given, place } of references) {
    const path = new Set<object>();
    for (let at: object | undefined = given; at !== undefined && !ending.has(at); at = targets.get(at)) {
      if (path.has(at)) throw new UnfitSchema(below(place, '$ref'), 'leads back to itself');
      path.add(at);
    }
    for (const seen of path) ending.add(seen);
  }
}

function find(root: SchemaObject, reference: string): object | undefined {
  const [start, ...steps] = reference.split('/');
  if (start !== '#') return undefined;
  let at: unknown = root;
  for (const step of steps) {
    const name = decode(step);
    if (name === undefined || typeof at !== 'object' || at === null || !Object.hasOwn(at, name))
      return undefined;
    at = (at as SchemaObject)[name];
  }
  return isObject(at) ? at : undefined;
}

function decode(step: string): string | undefined {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
  } catch {
    return undefined;
  }
}

function toReference(place: Place): string {
  return `#${toPointer(place).split('/').map(encodeURIComponent).join('/').replaceAll('%24', '$')}`;
}
