import { consolePath } from '../api/client.ts';

/** Loads the console again, at one of its pages: nothing stays of whoever was signed in before. */
export function beginAnew(path: string): void {
  window.location.replace(consolePath + path.replace(/^\//, ''));
}
