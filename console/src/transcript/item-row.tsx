import { memo } from 'react';
import { DecidedApproval } from '../approval/decided-approval.tsx';
import { isAgentTool } from '../log/agents.ts';
import type { ToolItem, TranscriptItem } from '../log/item.ts';
import { ToolCard } from '../tool/tool-card.tsx';
import { AgentCard } from './agent-card.tsx';
import { NoticeRow } from './notice-row.tsx';
import { PromptRow } from './prompt-row.tsx';
import { TextRow } from './text-row.tsx';
import { ThinkingRow } from './thinking-row.tsx';
import { TurnEndRow } from './turn-end-row.tsx';
import { useAgent, useItem, useShown } from './use-log.ts';

declare global {
  /** Set by tests that count how often rows are rendered. */
  var onTranscriptRow: ((key: string) => void) | undefined;
}

/** One item. Follows it by itself: what happens to others renders nothing here. */
export const ItemRow = memo(function ItemRow({ itemKey }: { itemKey: string }) {
  const item = useItem(itemKey);
  globalThis.onTranscriptRow?.(itemKey);
  return item === undefined ? null : <Item item={item} />;
});

function Item({ item }: { item: TranscriptItem }) {
  switch (item.kind) {
    case 'prompt':
      return <PromptRow item={item} />;
    case 'text':
      return <TextRow item={item} />;
    case 'thinking':
      return <ThinkingRow item={item} />;
    case 'tool':
      return <ToolRow item={item} />;
    case 'approval':
      return <DecidedApproval approval={item.approval} />;
    case 'turn_end':
      return <TurnEndRow item={item} />;
    case 'notice':
      return <NoticeRow item={item} />;
    default:
      return item satisfies never;
  }
}

function ToolRow({ item: { call } }: { item: ToolItem }) {
  const { sessionId, log } = useShown();
  const agent = useAgent(log, call.id);
  if (agent === undefined || !isAgentTool(call.name)) return <ToolCard call={call} sessionId={sessionId} />;
  return <AgentCard agentId={call.id} log={log} sessionId={sessionId} />;
}
