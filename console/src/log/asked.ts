import { Store } from '../util/store.ts';

/** What somebody is about to do with a session, in a dialog. Rows of the transcript come and go; the dialog stays. */
export type Asked = { sessionId: string } & (
  | {
      act: 'fork';
      /** The last event that the fork begins with; null is the newest. */
      at: number | null;
      /** What is said in place of the prompt that stood there. */
      prompt: string;
    }
  | { act: 'rewind' /** A turn, or the `start`; null is not chosen yet. */; to: string | null }
  | { act: 'delete' | 'snippet' }
);

export const asked = new Store<Asked | null>(null);
