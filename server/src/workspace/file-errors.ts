import { AppError } from '../ground/errors.ts';

export function invalidPath(reason: string): AppError {
  const message = `the path is not usable: ${reason}`;
  return new AppError('invalid_request', message, { errors: [{ field: 'path', message }] });
}

const DISK_FULL_HINT = 'nothing of this file was kept; free space on the server, or write less';

/** What the operating system said about a file, as an error for the client; what it does not know is our bug. */
export function fileError(error: unknown, path: string): unknown {
  switch ((error as NodeJS.ErrnoException | null)?.code) {
    case 'ENOENT':
      return new AppError('not_found', `There is no "${path}" in the workspace.`, { cause: error });
    case 'ENOTDIR':
    case 'ELOOP':
      return notRegular(path, 'a part of this path is not a directory (links are listed, never followed)');
    case 'ENXIO':
    case 'ENODEV':
      return notRegular(path, 'it is a socket, a pipe or a device');
    case 'EISDIR':
      return new AppError('file_conflict', `"${path}" is a directory.`, { cause: error });
    case 'ENOTEMPTY':
      return new AppError('file_conflict', `The directory "${path}" is not empty.`, {
        cause: error,
        hint: 'add ?recursive=true to delete all that is in it',
      });
    case 'EEXIST':
      return new AppError('file_conflict', `There is already a "${path}".`, { cause: error });
    case 'EACCES':
    case 'EPERM':
      return new AppError('file_conflict', `There is no permission for "${path}".`, { cause: error });
    case 'EROFS':
      return new AppError('file_conflict', `"${path}" is on a file system that is read-only.`, {
        cause: error,
      });
    case 'EXDEV':
    case 'EBUSY':
      return new AppError('file_conflict', `"${path}" is or holds another file system.`, { cause: error });
    case 'ENAMETOOLONG':
      return invalidPath('it is longer than the file system allows');
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return new AppError('storage', `There is no room for "${path}" on the disk.`, {
        cause: error,
        hint: DISK_FULL_HINT,
      });
    default:
      return error;
  }
}

export function notRegular(path: string, reason: string): AppError {
  return new AppError('not_regular_file', `"${path}" cannot be opened: ${reason}.`);
}

/** For what may be gone by the time that it is looked at. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ENOENT';
}

/** For what is there and closed to whoever looks. */
export function isForbidden(error: unknown): boolean {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return code === 'EACCES' || code === 'EPERM';
}
