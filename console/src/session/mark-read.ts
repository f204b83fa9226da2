import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { client } from '../api/client.ts';
import type { SessionLog } from '../log/session-log.ts';
import { useStore } from '../util/store.ts';

const EVERY_MS = 3_000;

/** Who sees the page has read it. What could not be told is told with the next event, or the next look. Shows nothing. */
export function MarkRead({ sessionId, log }: { sessionId: string; log: SessionLog }) {
  const newest = useStore(log.newest);
  const told = useRef({ seq: 0, at: Number.NEGATIVE_INFINITY });
  const { mutate } = useMutation({
    mutationFn: async (seq: number) => await client.sessions.mark(sessionId, { read_seq: seq }),
    onError: () => {
      told.current.seq = 0;
    },
  });
  useEffect(() => {
    const tell = (): void => {
      if (document.visibilityState !== 'visible' || newest <= told.current.seq) return;
      told.current = { seq: newest, at: performance.now() };
      mutate(newest);
    };
    const timer = setTimeout(tell, told.current.at + EVERY_MS - performance.now());
    document.addEventListener('visibilitychange', tell);
    return () => {
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', tell);
    };
  }, [newest, mutate]);
  return null;
}
