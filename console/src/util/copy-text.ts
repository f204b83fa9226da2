/**
 * Also on pages that came over plain HTTP, where browsers have no clipboard for scripts, and where it is closed to them.
 * Rejects where nothing could be copied.
 */
export async function copyText(text: string): Promise<void> {
  if (!window.isSecureContext) return copyBySelection(text);
  await navigator.clipboard.writeText(text).catch(() => copyBySelection(text));
}

function copyBySelection(text: string): void {
  const area = document.createElement('textarea');
  area.value = text;
  area.setAttribute('readonly', '');
  area.className = 'fixed opacity-0';
  document.body.append(area);
  area.select();
  const isCopied = document.execCommand('copy');
  area.remove();
  if (!isCopied) throw new Error('the browser does not let it be copied');
}
