import { LoaderCircle } from 'lucide-react';

/** Something is on its way; `label` says what, for those who do not see it turn. */
export function Spinner({ label }: { label: string }) {
  return (
    <span role="status" className="inline-flex items-center gap-2 text-muted">
      <LoaderCircle aria-hidden className="size-4 animate-spin" />
      <span className="text-[13px]">{label}</span>
    </span>
  );
}
