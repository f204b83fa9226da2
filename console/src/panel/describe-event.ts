import type { SessionEvent } from '@greenroom/client';
import { oneLine } from '../content/bounds.ts';

type Fields = Record<string, unknown>;

const LONGEST = 120;

/** A line that tells events of one kind apart. */
export function describeEvent({ kind, data }: Pick<SessionEvent, 'kind' | 'data'>): string {
  const fields = data as unknown as Fields;
  const parts = (() => {
    switch (kind) {
      case 'prompt':
        return [fields.text];
      case 'turn':
        return [fields.turn, fields.phase, fields.state];
      case 'session':
        return [fields.status, fields.waiting_for, fields.warning];
      case 'approval': {
        const approval = (fields.approval ?? {}) as Fields;
        return [fields.phase, approval.kind, approval.tool_name];
      }
      case 'sdk':
        return [fields.type, fields.subtype, ...blocksOf(fields.message)];
      default:
        return [];
    }
  })();
  const shown = parts.filter((part) => typeof part === 'string' || typeof part === 'number');
  return oneLine(shown.map((part) => String(part).slice(0, LONGEST * 4)).join(' '), LONGEST);
}

/** Of a message's blocks their types, and the names of tools. */
function blocksOf(message: unknown): unknown[] {
  const content = (message as Fields | undefined)?.content;
  if (!Array.isArray(content)) return [];
  return content.slice(0, 5).flatMap((block: Fields | null) => [block?.type, block?.name]);
}
