/**
 * Who has waited for a slot for too long, and who has to make room: of two tenants the one that holds two more than the
 * other, so that nobody gives up what the other would have to give back.
 */
export class SlotDebts {
  #waiting: readonly string[] = [];
  #held = new Map<string, number>();

  /** How it stands now. `waiting`: tenants, in any order; `held`: how many slots each has, on all workers. */
  set(waiting: readonly string[], held: ReadonlyMap<string, number>): void {
    this.#waiting = waiting;
    this.#held = new Map(held);
  }

  /** Whether a session of the tenant is to make room now. Once it was told so, that is counted. */
  take(tenantId: string): boolean {
    const mine = this.#held.get(tenantId) ?? 0;
    const owed = this.#waiting.find(
      (other) => other !== tenantId && mine - (this.#held.get(other) ?? 0) >= 2,
    );
    if (owed === undefined) return false;
    this.#waiting = this.#waiting.filter((other) => other !== owed);
    this.#held.set(tenantId, mine - 1);
    return true;
  }
}
