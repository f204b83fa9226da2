import { type Components, Streamdown } from 'streamdown';
import {
  MarkdownCheckbox,
  MarkdownCode,
  MarkdownImage,
  MarkdownInlineCode,
  MarkdownLink,
  MarkdownTable,
  markdownText,
} from './markdown-parts.tsx';

/*
 * Stable objects: with new ones, all that was written is read again on each token. Without the plugin for raw HTML it is
 * text, and without any that change what was written nothing else comes in.
 */
const components: Components = {
  ...markdownText,
  a: MarkdownLink,
  img: MarkdownImage,
  pre: MarkdownCode,
  code: MarkdownInlineCode,
  inlineCode: MarkdownInlineCode,
  table: MarkdownTable,
  input: MarkdownCheckbox,
};
const NO_PLUGINS: [] = [];

export function MarkdownBody({ text, isStreaming }: { text: string; isStreaming: boolean }) {
  return (
    <Streamdown
      mode={isStreaming ? 'streaming' : 'static'}
      components={components}
      rehypePlugins={NO_PLUGINS}
      controls={false}
      className="space-y-3"
    >
      {text}
    </Streamdown>
  );
}
