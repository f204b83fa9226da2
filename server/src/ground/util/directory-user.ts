/** What a session's processes run as. */
export type SessionUser = { uid: number; gid: number };

/** Who works in a directory that the operator gave: its owner, but never root. */
export function directoryUser({ uid, gid }: { uid: number; gid: number }): SessionUser | null {
  return uid === 0 ? null : { uid, gid: gid === 0 ? uid : gid };
}
