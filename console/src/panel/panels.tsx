export function Panels(_: { sessionId: string }) {
  return null;
}
