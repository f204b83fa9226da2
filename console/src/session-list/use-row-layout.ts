import { type RefObject, useEffect, useLayoutEffect, useState } from 'react';

/** `columns` where there is room for them; `card` on phones. */
export type RowLayout = 'columns' | 'card';

/** Every row is as high as the others: the list knows where each is without having made it. */
export const rowHeights: Record<RowLayout, number> = { columns: 56, card: 104 };

const COLUMNS_FROM = 720;

export function useRowLayout(scroller: RefObject<HTMLElement | null>): RowLayout {
  const [layout, setLayout] = useState<RowLayout>('columns');
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const look = (): void => setLayout(element.clientWidth >= COLUMNS_FROM ? 'columns' : 'card');
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element);
    return () => observer.disconnect();
  }, [scroller]);
  return layout;
}

/** How far below the top of the page the rows begin. */
export function useHeightOf(above: HTMLElement | null): number {
  const [height, setHeight] = useState(above?.offsetHeight ?? 0);
  useEffect(() => {
    if (above === null) return;
    const observer = new ResizeObserver(() => setHeight(above.offsetHeight));
    observer.observe(above);
    return () => observer.disconnect();
  }, [above]);
  return height;
}
