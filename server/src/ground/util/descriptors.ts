import { existsSync } from 'node:fs';

/** Linux's, which Node.js does not name: the file itself, without a right in it, also where it may not be read. */
export const O_PATH = 0o10000000;

/** Whether the system says what a descriptor is, as `/proc/self/fd/N`. */
export const hasDescriptorPaths = existsSync('/proc/self/fd');
