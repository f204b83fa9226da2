import { Markdown } from '../content/markdown.tsx';
import type { TextItem } from '../log/item.ts';
import { RowTools } from './row-tools.tsx';

/** What the agent said. */
export function TextRow({ item }: { item: TextItem }) {
  return (
    <div className="group/row" dir="auto">
      <Markdown text={item.text} isStreaming={item.isStreaming} />
      {!item.isStreaming && (
        <div className="flex h-0 justify-end overflow-visible">
          <RowTools item={item} text={item.text} />
        </div>
      )}
    </div>
  );
}
