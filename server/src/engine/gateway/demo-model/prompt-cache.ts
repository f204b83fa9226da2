import { createHash } from 'node:crypto';
import { BoundedMap } from './bounded-map.ts';
import { blocksOf, type MessagesRequest } from './messages-request.ts';
import { estimateTokens } from './tokens.ts';

export type InputUsage = {
  input_tokens: number;
  cache_creation_input_tokens: number;
  cache_read_input_tokens: number;
};

/** What the API adds round the messages; it is never cached. */
const frameTokens = 3;

type Prefix = { key: string; tokens: number; marked: boolean };

/**
 * Prompt caching as the Messages API accounts for it: what a request marks with `cache_control` is created, and the
 * longest prefix that an earlier request marked is read. Entries do not expire; the least recently used make room.
 */
export class PromptCache {
  #seen: BoundedMap<true>;

  constructor(capacity = 5_000) {
    this.#seen = new BoundedMap(capacity);
  }

  account(request: MessagesRequest): InputUsage {
    const prefixes = prefixesOf(request);
    const total = prefixes.at(-1)?.tokens ?? 0;
    const read = prefixes.findLast((prefix) => this.#seen.get(prefix.key))?.tokens ?? 0;
    const marked = prefixes.filter((prefix) => prefix.marked);
    const created = Math.max((marked.at(-1)?.tokens ?? 0) - read, 0);
    for (const prefix of marked) this.#seen.set(prefix.key, true);
    return {
      input_tokens: total - read - created + frameTokens,
      cache_creation_input_tokens: created,
      cache_read_input_tokens: read,
    };
  }
}

/** Every point at which the prompt could be cut, in the API's order: tools, system, messages. */
function prefixesOf(request: MessagesRequest): Prefix[] {
  const hash = createHash('sha256').update(request.model);
  let characters = 0;
  const parts: Record<string, unknown>[] = [
    ...(request.tools ?? []),
    ...blocksOf(request.system ?? []),
    // A message may come as a string now and as blocks later; it is the same prompt.
    ...request.messages.flatMap(({ role, content }) =>
      blocksOf(content).map((block) => ({ role, ...block })),
    ),
  ];
  return parts.map(({ cache_control, ...part }) => {
    const json = JSON.stringify(part);
    hash.update(json);
    characters += json.length;
    return {
      key: hash.copy().digest('base64'),
      tokens: estimateTokens(characters),
      marked: Boolean(cache_control),
    };
  });
}
