import type { ToolCall } from '../transcript/item.ts';

export function ToolCard(_: { call: ToolCall; sessionId: string }) {
  return null;
}
