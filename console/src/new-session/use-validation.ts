import { type ExecuteRequest, GreenroomError } from '@greenroom/client';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { client } from '../api/client.ts';
import { type Draft, errorsByField } from './draft.ts';

/** Nobody is told of a mistake in the middle of a word. */
const PAUSE_MS = 400;

export type Validation = {
  /** What the server would say of the draft, by field. */
  errors: ReadonlyMap<string, string>;
  /** What it would refuse the draft for, where that is no field. */
  refusal: GreenroomError | null;
  isPending: boolean;
};

/** Asks the server what it would say, without starting anything. A draft without a prompt is not yet wrong. */
export function useValidation(draft: Draft): Validation {
  const settled = useSettled(draft);
  const { error, isFetching } = useQuery({
    queryKey: ['validation', settled],
    queryFn: async ({ signal }) => await client.validate(toRequest(settled), { signal }),
    enabled: Object.keys(settled).length > 0,
    gcTime: 0,
  });
  const refused = error instanceof GreenroomError ? error : null;
  const errors = errorsByField(refused?.errors ?? []);
  return {
    errors,
    refusal: refused !== null && errors.size === 0 ? refused : null,
    isPending: isFetching || settled !== draft,
  };
}

/** NOTE: without a prompt one stands in, so that the other fields are looked at. */
function toRequest(draft: Draft): ExecuteRequest {
  const hasPrompt = (typeof draft.prompt === 'string' && draft.prompt.trim() !== '') || draft.content;
  return (hasPrompt ? draft : { ...draft, prompt: '.' }) as ExecuteRequest;
}

function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}
