/** Rights, as the bits of a mode have them. */
export const READ = 0o4;
export const WRITE = 0o2;
export const PASS = 0o1;

type Owned = Record<'uid' | 'gid' | 'mode', number | bigint>;

/** Whether a user has all these rights, by the bits of the mode; access control lists are not looked at. */
export function permits(
  { uid, gid, mode }: Owned,
  user: { uid: number; gid: number },
  rights: number,
): boolean {
  const shift = Number(uid) === user.uid ? 6 : Number(gid) === user.gid ? 3 : 0;
  return ((Number(mode) >> shift) & rights) === rights;
}
