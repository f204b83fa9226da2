import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export class MissingProgramError extends Error {
  readonly program: string;

  constructor(program: string) {
    super(`the program ${program} is not installed`);
    this.name = 'MissingProgramError';
    this.program = program;
  }
}

/** The path of a program. Throws `MissingProgramError`. */
export function findProgram(name: string, searchPath: string): string {
  const found = searchPath
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find(isExecutable);
  if (found === undefined) throw new MissingProgramError(name);
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
