type Schema = { [key: string]: unknown };

/** Values in a sample, and properties that are looked at. One whose schema wants more does not fit it. */
const mostValues = 10_000;
const deepest = 12;
/** Deeper down only what must be there, so that a schema that contains itself comes to an end. */
const deepestOptional = 3;
const longestReference = 1_000;

/** A plain value that fits a JSON schema; `text` goes where any string may stand. */
export function sampleOf(schema: unknown, text: string): unknown {
  return new Sampler(schema, text).sample(schema, 0);
}

class Sampler {
  readonly #root: unknown;
  readonly #text: string;
  #left = mostValues;

  constructor(root: unknown, text: string) {
    this.#root = root;
    this.#text = text.slice(0, 60);
  }

  sample(schema: unknown, depth: number): unknown {
    if (!isObject(schema) || depth > deepest || this.#left <= 0) return null;
    this.#left -= 1;
    const inner = (value: unknown) => this.sample(value, depth + 1);
    if (typeof schema.$ref === 'string') return inner(this.#resolve(schema.$ref));
    if ('const' in schema) return schema.const;
    if (Array.isArray(schema.enum)) return schema.enum[0];
    const [alternative] = arrayOf(schema.anyOf) ?? arrayOf(schema.oneOf) ?? [];
    if (alternative !== undefined) return inner(alternative);
    switch (typeOf(schema)) {
      case 'object':
        return this.#object(schema, depth);
      case 'array':
        return this.#array(schema, depth);
      case 'number':
      case 'integer':
        return typeof schema.minimum === 'number' ? schema.minimum : 1;
      case 'boolean':
        return true;
      case 'null':
        return null;
      default:
        return this.#text;
    }
  }

  #object({ properties, required }: Schema, depth: number): Schema {
    if (!isObject(properties)) return {};
    const names = depth > deepestOptional ? (arrayOf(required) ?? []) : Object.keys(properties);
    const sample: [string, unknown][] = [];
    for (const name of names) {
      if (this.#left <= 0) break;
      this.#left -= 1;
      if (typeof name !== 'string' || !Object.hasOwn(properties, name)) continue;
      sample.push([name, this.sample(properties[name], depth + 1)]);
    }
    return Object.fromEntries(sample);
  }

  #array({ items, minItems }: Schema, depth: number): unknown[] {
    const usual = depth > deepestOptional ? 0 : 1;
    const length = Math.min(typeof minItems === 'number' ? minItems : usual, Math.max(this.#left, 0));
    return Array.from({ length }, () => this.sample(items, depth + 1));
  }

  #resolve(reference: string): unknown {
    if (reference.length > longestReference) return undefined;
    return reference
      .replace(/^#\/?/, '')
      .split('/')
      .filter((key) => key !== '')
      .reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), this.#root);
  }
}

function typeOf({ type, properties }: Schema): unknown {
  return arrayOf(type)?.[0] ?? type ?? (properties === undefined ? 'string' : 'object');
}

function isObject(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function arrayOf(value: unknown): unknown[] | undefined {
  return Array.isArray(value) ? value : undefined;
}
