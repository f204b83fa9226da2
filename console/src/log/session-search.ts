export const panels = ['overview', 'changes', 'files', 'events', 'options'] as const;
export type PanelName = (typeof panels)[number];

/** What the address of a session says beside its id. */
export type SessionSearch = {
  /** The panel that is open. */
  panel?: PanelName;
  /** The event that is pointed at. */
  at?: number;
  /** The call of the subagent whose transcript is shown. */
  agent?: string;
  /** The file that is shown in its panel. */
  file?: string;
};

export function readSessionSearch(search: Record<string, unknown>): SessionSearch {
  const { panel, at, agent, file } = search;
  return {
    ...(isPanel(panel) && { panel }),
    ...(typeof at === 'number' && Number.isSafeInteger(at) && at > 0 && { at }),
    ...(typeof agent === 'string' && agent !== '' && { agent }),
    ...(typeof file === 'string' && file !== '' && { file }),
  };
}

function isPanel(value: unknown): value is PanelName {
  return typeof value === 'string' && (panels as readonly string[]).includes(value);
}

/** Another transcript of the session, of a subagent or (null) of the agent itself, beside the panel that is open. */
export function searchOfAgent({ panel }: SessionSearch, agent: string | null): SessionSearch {
  return { ...(panel !== undefined && { panel }), ...(agent !== null && { agent }) };
}
