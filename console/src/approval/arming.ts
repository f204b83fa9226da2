import { Store } from '../util/store.ts';

/*
 * Cards come, go and move by themselves, under a pointer or a finger that was meant for something else. So none of them
 * takes an answer until all of them have stood still for a moment.
 */

export const ARMING_MS = 500;

export class Arming {
  readonly isArmed = new Store(false);
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Something moved: from now on it takes half a second. */
  readonly disarm = (): void => {
    clearTimeout(this.#timer);
    this.isArmed.set(false);
    this.#timer = setTimeout(() => this.isArmed.set(true), ARMING_MS);
  };
}

/** Of all the cards of the page. */
export const arming = new Arming();
