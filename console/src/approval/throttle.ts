/** At once, and then once per time at most: the last of many calls is never left out. */
export function throttle(act: () => void, ms: number): () => void {
  let isResting = false;
  let isWanted = false;
  const run = (): void => {
    isWanted = false;
    isResting = true;
    act();
    setTimeout(() => {
      isResting = false;
      if (isWanted) run();
    }, ms);
  };
  return () => {
    if (isResting) isWanted = true;
    else run();
  };
}
