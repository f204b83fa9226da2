import { GreenroomClient } from '@greenroom/client';

/*
 * The page lies at `<anything>/console/`, and says where by its <base>; the API is one level above, under whatever path
 * a proxy gave it.
 */

/** Path of the console, with `/` at its end. */
export const consolePath = new URL(document.baseURI).pathname;
/** Where the API is, without `/` at its end. */
export const apiUrl = new URL('..', document.baseURI).href.replace(/\/$/, '');

/** Signed in by a cookie that no script can read, or not at all where no key is needed. */
export const client = new GreenroomClient({ baseUrl: apiUrl });
