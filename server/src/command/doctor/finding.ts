export type Level = 'ok' | 'warn' | 'fail';

/** One line of what `greenroom doctor` says. */
export type Finding = {
  level: Level;
  /** What was looked at. */
  what: string;
  detail: string;
  /** What to do about it; null where nothing is. */
  mend: string | null;
};

export function ok(what: string, detail: string): Finding {
  return { level: 'ok', what, detail, mend: null };
}

export function warn(what: string, detail: string, mend: string): Finding {
  return { level: 'warn', what, detail, mend };
}

export function fail(what: string, detail: string, mend: string): Finding {
  return { level: 'fail', what, detail, mend };
}

/** `ok    disk   21 GB free`, one line each. */
export function renderFindings(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ what }) => what.length));
  const lines = findings.map(({ level, what, detail, mend }) => {
    const text = mend === null ? detail : `${detail} — ${mend}`;
    return `${level.padEnd(4)}  ${what.padEnd(width)}  ${text.replaceAll(/\s*\n\s*/g, ' ')}\n`;
  });
  return lines.join('');
}
