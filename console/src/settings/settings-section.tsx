import type { ReactNode } from 'react';

export function SettingsSection({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="flex flex-col gap-3 rounded-xl border bg-panel p-5">
      <h2 className="font-semibold">{title}</h2>
      {children}
    </section>
  );
}

export function Setting({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="flex min-h-8 items-center justify-between gap-4">
      <span className="min-w-20 text-[13px] text-muted">{label}</span>
      <div className="min-w-0 max-w-64 break-words text-right text-[13px]">{children}</div>
    </div>
  );
}
