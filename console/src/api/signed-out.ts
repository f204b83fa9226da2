import { Store } from '../util/store.ts';

/** Whether the server wants a key and has got none that opens: the sign-in page is shown until it has. */
export const signedOut = new Store(false);
