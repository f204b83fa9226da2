/** Which rows are chosen. `anchor` is the one that was chosen last: ranges begin there. */
export type Selection = { ids: ReadonlySet<string>; anchor: string | null };

export const noSelection: Selection = { ids: new Set(), anchor: null };

export function toggle({ ids }: Selection, id: string): Selection {
  const next = new Set(ids);
  if (!next.delete(id)) next.add(id);
  return { ids: next, anchor: id };
}

/** Everything from the anchor to this one, in the order of the rows; without an anchor this one alone. */
export function extend(selection: Selection, order: readonly string[], id: string): Selection {
  const from = selection.anchor === null ? -1 : order.indexOf(selection.anchor);
  const to = order.indexOf(id);
  if (to === -1) return selection;
  if (from === -1) return { ids: new Set([...selection.ids, id]), anchor: id };
  const range = order.slice(Math.min(from, to), Math.max(from, to) + 1);
  return { ids: new Set([...selection.ids, ...range]), anchor: selection.anchor };
}

/** All of them, or none when all are chosen. */
export function toggleAll(selection: Selection, order: readonly string[]): Selection {
  return order.length > 0 && order.every((id) => selection.ids.has(id))
    ? noSelection
    : { ids: new Set(order), anchor: null };
}

/** What of it still has a row, in the order of the rows. */
export function chosenOf(selection: Selection, order: readonly string[]): string[] {
  return selection.ids.size === 0 ? [] : order.filter((id) => selection.ids.has(id));
}
