export function PendingApprovals(_: { sessionId: string }) {
  return null;
}
