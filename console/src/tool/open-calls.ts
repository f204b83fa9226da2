import { KeyedStore, useKeyed } from '../util/keyed-store.ts';

/** How the reader left each card. Rows of a long list come and go, and their state would go with them. */
const left = new KeyedStore<boolean>();

export function useOpenCall(key: string, isOpenAtFirst: boolean): [boolean, (isOpen: boolean) => void] {
  const isOpen = useKeyed(left, key) ?? isOpenAtFirst;
  return [isOpen, (open) => left.set(key, open)];
}
