import { useEffect, useState } from 'react';
import { remember, remembered } from '../util/remembered.ts';
import { type Draft, emptyDraft, isEmptyDraft, withoutSecrets } from './draft.ts';

const STORAGE_KEY = 'greenroom.newSession';

function keptDraft(): Draft {
  const kept = remembered<Draft>(STORAGE_KEY);
  return typeof kept === 'object' && kept !== null && !Array.isArray(kept) ? kept : emptyDraft;
}

/** What is being written survives a reload, and is gone once the session has started. */
export function useDraft(): {
  draft: Draft;
  setDraft: (draft: Draft) => void;
  forget: () => void;
} {
  const [draft, setDraft] = useState<Draft>(keptDraft);
  useEffect(() => remember(STORAGE_KEY, isEmptyDraft(draft) ? null : withoutSecrets(draft)), [draft]);
  return { draft, setDraft, forget: () => setDraft(emptyDraft) };
}
