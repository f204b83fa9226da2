import { ExternalLink } from 'lucide-react';
import type { ReactNode } from 'react';
import { SafeText } from './safe-text.tsx';
import { safeUrl } from './safe-url.ts';

export type SafeLinkProps = {
  href: string;
  /** What the writer calls it; without it the address itself is shown. */
  children?: ReactNode;
};

/** Says where it leads, whatever it is called; what may not be opened is text with its address behind. */
export function SafeLink({ href, children }: SafeLinkProps) {
  const url = safeUrl(href);
  if (url === null) return <PlainAddress href={href}>{children}</PlainAddress>;
  return (
    <a
      href={url.href}
      title={url.href}
      target="_blank"
      rel="noopener noreferrer nofollow"
      className="font-medium text-accent underline decoration-1 underline-offset-2 hover:decoration-2"
    >
      {children ?? <SafeText text={href} />}
      {children !== undefined && !saysTarget(children, url.target) && (
        <span className="ml-1 font-normal text-muted text-xs">({url.target})</span>
      )}
      <ExternalLink aria-hidden className="ml-0.5 inline size-3 align-baseline" />
    </a>
  );
}

function PlainAddress({ href, children }: SafeLinkProps) {
  // Half of an address while it is being written, or a note further down in the same text.
  const isNoAddress = href === '' || href.startsWith('streamdown:') || href.startsWith('#');
  return (
    <span>
      {children}
      {!isNoAddress && (
        <span className="ml-1 font-mono text-muted text-xs">
          (<SafeText text={href.slice(0, 200)} />)
        </span>
      )}
    </span>
  );
}

/** Only a name that starts with the place itself needs no more words. */
function saysTarget(children: ReactNode, target: string): boolean {
  const text = [children].flat();
  const [only] = text;
  if (text.length !== 1 || typeof only !== 'string') return false;
  return [target, `https://${target}`, `http://${target}`, `mailto:${target}`].some(
    (start) => only === start || only.startsWith(`${start}/`),
  );
}
