import { Square, SquareCheck } from 'lucide-react';
import type { ComponentProps, ReactNode } from 'react';
import type { Components, ExtraProps } from 'streamdown';
import { useLocale } from '../i18n/locale.ts';
import { Code } from './code.tsx';
import { ImageNote } from './image.tsx';
import { languageOfName } from './language.ts';
import { SafeLink } from './safe-link.tsx';
import { SafeText } from './safe-text.tsx';
import { ScrollRegion } from './scroll-region.tsx';

/** The parts of Markdown that are not as the browser has them: quiet, dense, and safe. */
type PartProps<Tag extends 'a' | 'img' | 'pre' | 'code' | 'table' | 'input'> = ComponentProps<Tag> &
  ExtraProps;
type Node = NonNullable<ExtraProps['node']>;

export function MarkdownLink({ href, children }: PartProps<'a'>) {
  return <SafeLink href={href ?? ''}>{children}</SafeLink>;
}

/** Never loaded: to load an image tells its host who reads, and when. */
export function MarkdownImage({ src, alt }: PartProps<'img'>) {
  const { t } = useLocale();
  const address = typeof src === 'string' ? src : '';
  const name = alt === undefined || alt === '' ? t('content.image') : alt;
  if (address.startsWith('data:')) return <ImageNote text={`${name} · ${t('content.notLoaded')}`} />;
  return (
    <span className="inline-flex flex-wrap items-baseline gap-1">
      <ImageNote text={t('content.notLoaded')} />
      <SafeLink href={address}>{name}</SafeLink>
    </span>
  );
}

/** A fence of code. */
export function MarkdownCode({ node }: PartProps<'pre'>) {
  const code = node?.children.find((child) => child.type === 'element');
  const language = code === undefined ? '' : fenceName(code);
  return (
    <div className="my-3">
      <Code
        text={node === undefined ? '' : textOf(node).replace(/\n$/, '')}
        language={languageOfName(language)}
        {...(language !== '' && { label: language })}
      />
    </div>
  );
}

export function MarkdownInlineCode({ children }: PartProps<'code'>) {
  return (
    <code dir="ltr" className="rounded bg-raised px-1 py-0.5 font-mono text-[0.9em]">
      {typeof children === 'string' ? <SafeText text={children} /> : children}
    </code>
  );
}

/** The box of a list of things to do: nothing to be ticked here. */
export function MarkdownCheckbox({ checked }: PartProps<'input'>) {
  const { t } = useLocale();
  const Icon = checked === true ? SquareCheck : Square;
  return (
    <Icon
      role="img"
      aria-label={t(checked === true ? 'tool.progress.completed' : 'tool.progress.pending')}
      className="mr-1 inline size-4 align-text-bottom text-muted"
    />
  );
}

export function MarkdownTable({ children }: PartProps<'table'>) {
  const { t } = useLocale();
  return (
    <ScrollRegion label={t('content.table')} className="my-3 rounded-md border">
      <table className="w-full border-collapse text-[13px]">{children}</table>
    </ScrollRegion>
  );
}

function fenceName(code: Node): string {
  const names = code.properties.className;
  const name = (Array.isArray(names) ? names : []).find((each) => String(each).startsWith('language-'));
  return name === undefined ? '' : String(name).slice('language-'.length);
}

function textOf(node: Node): string {
  return node.children
    .map((child) => (child.type === 'text' ? child.value : child.type === 'element' ? textOf(child) : ''))
    .join('');
}

/** A tag with a look, and nothing else of what the text may have said about it. */
function part(
  Tag: 'h2' | 'p' | 'ul' | 'ol' | 'li' | 'blockquote' | 'th' | 'td' | 'tr' | 'thead',
  look: string,
) {
  return function Part({ children }: ExtraProps & { children?: ReactNode }) {
    return <Tag className={look}>{children}</Tag>;
  };
}

export const markdownText: Components = {
  // All of one level: whatever a text begins with, it follows what its page has.
  h1: part('h2', 'mt-4 mb-2 font-semibold text-lg'),
  h2: part('h2', 'mt-4 mb-2 font-semibold text-base'),
  h3: part('h2', 'mt-3 mb-1.5 font-semibold text-[15px]'),
  h4: part('h2', 'mt-3 mb-1 font-semibold'),
  h5: part('h2', 'mt-3 mb-1 font-semibold'),
  h6: part('h2', 'mt-3 mb-1 font-semibold text-muted'),
  p: part('p', 'my-2'),
  ul: part('ul', 'my-2 list-disc space-y-1 pl-6'),
  li: part('li', '[&>p]:my-0'),
  blockquote: part('blockquote', 'my-3 border-line-strong border-l-2 pl-3 text-muted'),
  thead: part('thead', 'bg-raised'),
  tr: part('tr', 'border-b last:border-b-0'),
  th: part('th', 'px-3 py-1.5 text-left font-medium'),
  td: part('td', 'px-3 py-1.5 align-top'),
  ol: ({ children, start }: ComponentProps<'ol'> & ExtraProps) => (
    <ol start={start} className="my-2 list-decimal space-y-1 pl-6">
      {children}
    </ol>
  ),
};
