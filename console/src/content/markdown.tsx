export function Markdown(_: { text: string; isStreaming: boolean }) {
  return null;
}
