const CHANNEL = 'greenroom.watch';

/** What tabs tell each other: how many sessions need somebody, and that one begins to stream. */
export class TabChannel {
  readonly #channel: BroadcastChannel | null =
    typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(CHANNEL);

  tell(needsYou: number): void {
    this.#channel?.postMessage({ needsYou });
  }

  listen(hear: (needsYou: number) => void): void {
    this.#channel?.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      const { needsYou } = (data ?? {}) as { needsYou?: unknown };
      if (typeof needsYou === 'number') hear(needsYou);
    });
  }

  begin(): void {
    this.#channel?.postMessage({ begins: true });
  }

  onBegin(hear: () => void): void {
    this.#channel?.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
      if ((data as { begins?: unknown } | null)?.begins === true) hear();
    });
  }
}

export const tabChannel = new TabChannel();
