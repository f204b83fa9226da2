import type { Approval } from '@greenroom/client';
import { useMemo } from 'react';
import { boundLine } from '../content/bounds.ts';
import { Code } from '../content/code.tsx';
import { DiffView } from '../content/diff-view.tsx';
import { JsonView } from '../content/json.tsx';
import { languageOfPath } from '../content/language.ts';
import { compareTexts } from '../content/patch.ts';
import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';
import { CommandText } from './command-text.tsx';
import { readToolCall, type ShownCall, splitUrl } from './tool-call.ts';

/** What exactly would be done: the whole input of a call, whichever tool it is of. */
export function CallView({ approval }: { approval: Approval }) {
  const { t } = useLocale();
  const { call, rest } = useMemo(() => readToolCall(approval), [approval]);
  const hasRest = Object.keys(rest).length > 0;
  const isAllRest = call.kind === 'mcp' || call.kind === 'other';
  return (
    <div className="flex flex-col gap-2">
      <KnownCall call={call} />
      {hasRest && !isAllRest && <p className="text-muted text-xs">{t('approval.alsoWith')}</p>}
      {(hasRest || isAllRest) && <JsonView value={rest} label={t('approval.input')} />}
    </div>
  );
}

function KnownCall({ call }: { call: ShownCall }) {
  const { t } = useLocale();
  switch (call.kind) {
    case 'command':
      return <CommandText text={call.command} />;
    case 'edit':
      return <EditView {...call} />;
    case 'write':
      return (
        <Framed path={call.path}>
          <Code
            text={call.content}
            language={languageOfPath(call.path)}
            label={t('approval.newContent')}
            isBare
          />
        </Framed>
      );
    case 'read':
      return <CommandText text={call.path} />;
    case 'fetch':
      return <UrlView url={call.url} />;
    case 'mcp':
      return (
        <p className="font-mono text-[13px]">
          <SafeText text={call.server} /> › <SafeText text={call.tool} />
        </p>
      );
    case 'other':
      return null;
    default:
      return call satisfies never;
  }
}

function EditView({ path, before, after, isEverywhere }: Extract<ShownCall, { kind: 'edit' }>) {
  const { t } = useLocale();
  const patch = useMemo(() => compareTexts(before, after, path), [before, after, path]);
  return (
    <Framed path={path} note={isEverywhere ? t('approval.everywhere') : undefined}>
      <DiffView patch={patch} path={path} hasNumbers={false} />
    </Framed>
  );
}

function Framed({
  path,
  note,
  children,
}: {
  path: string;
  note?: string | undefined;
  children: React.ReactNode;
}) {
  return (
    <div className="overflow-hidden rounded-md border bg-raised">
      <p className="flex flex-wrap items-baseline gap-x-3 border-b px-3 py-1.5 font-mono text-[12.5px]">
        <SafeText text={boundLine(path, 5_000)} />
        {note !== undefined && <span className="font-medium font-sans text-needs text-xs">{note}</span>}
      </p>
      {children}
    </div>
  );
}

/** Longer ones are shown in part, as commands are. */
const LONGEST_URL = 4_000;

/** Text, and no link: nobody should go there by looking at it. */
function UrlView({ url }: { url: string }) {
  const { t } = useLocale();
  const parts = splitUrl(url);
  if (parts === null || url.length > LONGEST_URL) return <CommandText text={url} />;
  return (
    <div
      className="rounded-md border bg-raised px-3 py-2 font-mono text-[12.5px] [font-variant-ligatures:none]"
      dir="ltr"
    >
      <span className="break-all text-muted">
        <SafeText text={parts.before} />
        <strong className="font-semibold text-ink">
          <SafeText text={parts.host} />
        </strong>
        <SafeText text={parts.after} />
      </span>
      {parts.goesTo !== null && (
        <p className="mt-1 font-sans text-danger text-xs">
          {t('approval.goesTo')} <strong className="font-mono">{parts.goesTo}</strong>
        </p>
      )}
    </div>
  );
}
