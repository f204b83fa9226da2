export function SessionHeader(_: { sessionId: string }) {
  return null;
}
