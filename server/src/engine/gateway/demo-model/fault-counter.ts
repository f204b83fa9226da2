import { createHash } from 'node:crypto';
import { BoundedMap } from './bounded-map.ts';
import type { Conversation } from './conversation.ts';
import type { Fault } from './directives.ts';
import type { MessagesRequest } from './messages-request.ts';

/** Counts how often a fault has struck a prompt, so that `x2` means the first two requests for it. */
export class FaultCounter {
  #struck: BoundedMap<number>;

  constructor(capacity = 1_000) {
    this.#struck = new BoundedMap(capacity);
  }

  /** Whether the fault strikes this request too. */
  strikes(fault: Fault, request: MessagesRequest, conversation: Conversation): boolean {
    if (!('times' in fault)) return true;
    const key = createHash('sha256')
      .update(JSON.stringify([request.metadata?.user_id, conversation.earlierPrompts, conversation.prompt]))
      .digest('base64');
    const struck = (this.#struck.get(key) ?? 0) + 1;
    this.#struck.set(key, struck);
    return struck <= fault.times;
  }
}
