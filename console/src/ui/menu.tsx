import {
  type ComponentProps,
  cloneElement,
  type KeyboardEvent,
  lazy,
  type ReactElement,
  type ReactNode,
  Suspense,
  useState,
} from 'react';
import type * as Parts from './menu-parts.tsx';

export type MenuProps = { trigger: ReactElement; children: ReactNode };

const loadParts = async (): Promise<typeof Parts> => await import('./menu-parts.tsx');
const MenuRoot = lazy(async () => ({ default: (await loadParts()).MenuRoot }));

/**
 * A button that opens a list of things to do. `trigger` is that button. The rest comes when somebody points at it or
 * reaches it: a list of sessions has many menus, of which hardly one is opened.
 */
export function Menu({ trigger, children }: MenuProps) {
  const [wasOpened, setOpened] = useState(false);
  const open = (): void => setOpened(true);
  const load = (): void => void loadParts();
  const closed = cloneElement(trigger as ReactElement<ComponentProps<'button'>>, {
    'aria-haspopup': 'menu',
    'aria-expanded': false,
    onClick: open,
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
      event.preventDefault();
      open();
    },
    onPointerEnter: load,
    onFocus: load,
  });
  if (!wasOpened) return closed;
  return (
    <Suspense fallback={closed}>
      <MenuRoot trigger={trigger}>{children}</MenuRoot>
    </Suspense>
  );
}

export const MenuItem = lazy(async () => ({ default: (await loadParts()).MenuItem }));
export const MenuSeparator = lazy(async () => ({ default: (await loadParts()).MenuSeparator }));
export const MenuNote = lazy(async () => ({ default: (await loadParts()).MenuNote }));
/** NOTE: `lazy` forgets what is generic. */
export const MenuChoice = lazy(async () => ({
  default: (await loadParts()).MenuChoice,
})) as unknown as typeof Parts.MenuChoice;
