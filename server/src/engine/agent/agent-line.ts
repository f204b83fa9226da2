import { z } from 'zod';
import { scanJson } from './json-cost.ts';

/** What an agent program wrote is nothing that the Agent SDK may be given. */
export class UnfitLineError extends Error {}

/** A line that the SDK can be given. */
export type AgentLine = {
  /** One line for the SDK's reader as well, which knows more line ends than the program writes. */
  text: string;
  type: string;
  /** Of a question to this process, or of the answer to one of its own; null otherwise. */
  controlId: string | null;
};

/** Building more values than this from one line holds up every other session for too long. */
const MAX_VALUES = 200_000;
/** JSON is written and checked by recursion, here and in PostgreSQL. */
const MAX_DEPTH = 500;

const id = z.string().min(1).max(200);
const envelope = z.looseObject({ type: z.string() });
const controlRequest = z.looseObject({
  request_id: id,
  request: z.looseObject({ subtype: z.string() }),
});
const controlResponse = z.looseObject({ response: z.looseObject({ request_id: id, subtype: z.string() }) });

/**
 * Where the SDK relies on more than a type, outside of what catches its errors: a failure there would be nobody's. Other
 * types pass as they are, also those that are still unknown.
 */
const shapes = new Map<string, z.ZodType>([
  ['control_request', controlRequest],
  ['control_response', controlResponse],
  ['control_cancel_request', z.looseObject({ request_id: id })],
  ['transcript_mirror', z.looseObject({ filePath: z.string(), entries: z.array(z.looseObject({})) })],
  ['result', z.looseObject({ result: z.string().nullish(), errors: z.array(z.string()).nullish() })],
]);

/**
 * Checks a line of an agent program, and mends its text: halves of surrogate pairs, which no strict JSON reader takes,
 * become U+FFFD. Throws `UnfitLineError`.
 */
export function readAgentLine(line: Buffer): AgentLine {
  const { values, depth, hasSurrogateEscape, hasOddLineEnd } = scanJson(line);
  if (values > MAX_VALUES) throw new UnfitLineError(`a message of more than ${MAX_VALUES} values`);
  if (depth > MAX_DEPTH) throw new UnfitLineError(`a message nested deeper than ${MAX_DEPTH} levels`);
  const text = line.toString();
  const kind = checkShape(parse(text));
  const joined = hasOddLineEnd ? onOneLine(text) : text;
  return { ...kind, text: hasSurrogateEscape ? wellFormed(joined) : joined };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UnfitLineError('a line that is not JSON', { cause: error });
  }
}

function checkShape(message: unknown): Omit<AgentLine, 'text'> {
  const { type } = requireShape(envelope, message);
  const shape = shapes.get(type);
  if (shape !== undefined) requireShape(shape, message);
  return { type, controlId: controlIdOf(type, message) };
}

function controlIdOf(type: string, message: unknown): string | null {
  if (type === 'control_request') return requireShape(controlRequest, message).request_id;
  if (type === 'control_response') return requireShape(controlResponse, message).response.request_id;
  return null;
}

function requireShape<Shape extends z.ZodType>(shape: Shape, message: unknown): z.infer<Shape> {
  const { data, error } = shape.safeParse(message);
  if (error === undefined) return data as z.infer<Shape>;
  const { path, message: problem } = error.issues[0] ?? { path: [], message: '' };
  const place = path.length === 0 ? '' : `${path.map(String).join('.')}: `;
  throw new UnfitLineError(`a message of no known shape: ${place}${problem}`);
}

/** In valid JSON a carriage return is white space, and the separators stand in strings. */
function onOneLine(text: string): string {
  return text.replaceAll('\r', ' ').replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}

/** Every escape of valid JSON: a whole surrogate pair, one half (captured), or any other. */
const escapes = /\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)/g;

function wellFormed(text: string): string {
  return text.replace(escapes, (found, half: string | undefined) => (half === undefined ? found : '\\ufffd'));
}
