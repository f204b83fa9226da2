/*
 * The system call filter of confined agents, as a classic BPF program for the kernel's seccomp.
 *
 * It refuses what no agent needs and what kernel holes are reached by: mounts and namespaces, tracing, BPF, io_uring,
 * keys, modules, clocks, typing into a terminal, and all sockets but UNIX, INET, INET6 and NETLINK. A refused call
 * fails with EPERM; clone3, whose flags a filter cannot see, with ENOSYS, so that the C library takes clone.
 */

type Architecture = { audit: number; calls: Record<string, number> };

/** Numbers from the kernel's tables. What an architecture lacks is left out. */
const architectures: Record<string, Architecture> = {
  x64: {
    audit: 0xc000003e,
    calls: {
      ioctl: 16,
      socket: 41,
      socketpair: 53,
      clone: 56,
      clone3: 435,
      ptrace: 101,
      syslog: 103,
      vhangup: 153,
      modify_ldt: 154,
      pivot_root: 155,
      _sysctl: 156,
      adjtimex: 159,
      chroot: 161,
      acct: 163,
      settimeofday: 164,
      mount: 165,
      umount2: 166,
      swapon: 167,
      swapoff: 168,
      reboot: 169,
      sethostname: 170,
      setdomainname: 171,
      iopl: 172,
      ioperm: 173,
      create_module: 174,
      init_module: 175,
      delete_module: 176,
      get_kernel_syms: 177,
      query_module: 178,
      quotactl: 179,
      nfsservctl: 180,
      lookup_dcookie: 212,
      clock_settime: 227,
      kexec_load: 246,
      add_key: 248,
      request_key: 249,
      keyctl: 250,
      unshare: 272,
      perf_event_open: 298,
      fanotify_init: 300,
      name_to_handle_at: 303,
      open_by_handle_at: 304,
      clock_adjtime: 305,
      setns: 308,
      process_vm_readv: 310,
      process_vm_writev: 311,
      kcmp: 312,
      finit_module: 313,
      kexec_file_load: 320,
      bpf: 321,
      userfaultfd: 323,
    },
  },
  arm64: {
    audit: 0xc00000b7,
    calls: {
      ioctl: 29,
      socket: 198,
      socketpair: 199,
      clone: 220,
      clone3: 435,
      lookup_dcookie: 18,
      umount2: 39,
      mount: 40,
      pivot_root: 41,
      nfsservctl: 42,
      chroot: 51,
      vhangup: 58,
      quotactl: 60,
      acct: 89,
      unshare: 97,
      kexec_load: 104,
      init_module: 105,
      delete_module: 106,
      clock_settime: 112,
      syslog: 116,
      ptrace: 117,
      reboot: 142,
      sethostname: 161,
      setdomainname: 162,
      settimeofday: 170,
      adjtimex: 171,
      add_key: 217,
      request_key: 218,
      keyctl: 219,
      swapon: 224,
      swapoff: 225,
      perf_event_open: 241,
      fanotify_init: 262,
      name_to_handle_at: 264,
      open_by_handle_at: 265,
      clock_adjtime: 266,
      setns: 268,
      process_vm_readv: 270,
      process_vm_writev: 271,
      kcmp: 272,
      finit_module: 273,
      bpf: 280,
      userfaultfd: 282,
      kexec_file_load: 294,
    },
  },
};

/** Of calls younger than 2019: the same number everywhere. */
const commonCalls = {
  io_uring_setup: 425,
  io_uring_enter: 426,
  io_uring_register: 427,
  open_tree: 428,
  move_mount: 429,
  fsopen: 430,
  fsconfig: 431,
  fsmount: 432,
  fspick: 433,
  pidfd_getfd: 438,
  mount_setattr: 442,
  quotactl_fd: 443,
  open_tree_attr: 467,
};

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;
const ALLOW = 0x7fff0000;
const ERRNO = 0x00050000;

// Where the kernel's description of a call has its number, the architecture, and the low halves of its arguments.
const NUMBER = 0;
const ARCHITECTURE = 4;
const argument = (index: number): number => 16 + 8 * index;

const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_GREATER_OR_EQUAL = 0x35;
const JUMP_ANY_BIT = 0x45;
const RETURN = 0x06;

/** Calls of the x32 variant, which has the same architecture and other numbers. */
const X32_BIT = 0x40000000;
/** CLONE_NEWTIME … CLONE_NEWNET: each makes a namespace. */
const NAMESPACE_FLAGS = 0x7e020080;
/** Type into a terminal; the second one, on a console. */
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
/** UNIX, INET, INET6, NETLINK. */
const SOCKET_FAMILIES = [1, 2, 10, 16];

type Instruction = { code: number; ifTrue: number; ifFalse: number; value: number };

/** @returns the program as bubblewrap's `--seccomp` reads it; null for an architecture without a table */
export function seccompFilter(architecture: string): Buffer | null {
  const table = architectures[architecture];
  if (table === undefined) return null;
  const program = instructions(table);
  const bytes = Buffer.alloc(program.length * 8);
  for (const [index, { code, ifTrue, ifFalse, value }] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(ifTrue, index * 8 + 2);
    bytes.writeUInt8(ifFalse, index * 8 + 3);
    bytes.writeUInt32LE(value, index * 8 + 4);
  }
  return bytes;
}

function instructions({ audit, calls }: Architecture): Instruction[] {
  const { ioctl = 0, socket = 0, socketpair = 0, clone = 0, clone3 = 0, ...denied } = calls;
  const numbers = [...Object.values(denied), ...Object.values(commonCalls)];
  return [
    load(ARCHITECTURE),
    jump(JUMP_EQUAL, audit, 1, 0),
    refuse(EPERM),
    load(NUMBER),
    jump(JUMP_GREATER_OR_EQUAL, X32_BIT, 0, 1),
    refuse(EPERM),
    ...when(clone3, [refuse(ENOSYS)]),
    ...when(clone, [load(argument(0)), jump(JUMP_ANY_BIT, NAMESPACE_FLAGS, 0, 1), refuse(EPERM), allow()]),
    ...when(ioctl, [load(argument(1)), ...refuseAny([TIOCSTI, TIOCLINUX]), allow()]),
    ...[socket, socketpair].flatMap((number) => when(number, onlyFamilies())),
    ...refuseAny(numbers),
    allow(),
  ];
}

function onlyFamilies(): Instruction[] {
  const allowed = SOCKET_FAMILIES.flatMap((family) => [jump(JUMP_EQUAL, family, 0, 1), allow()]);
  return [load(argument(0)), ...allowed, refuse(EAFNOSUPPORT)];
}

/** Runs the instructions, which end in an answer, for one call; jumps over them for others. */
function when(number: number, body: Instruction[]): Instruction[] {
  return [jump(JUMP_EQUAL, number, 0, body.length), ...body];
}

function refuseAny(values: readonly number[]): Instruction[] {
  return values.flatMap((value) => [jump(JUMP_EQUAL, value, 0, 1), refuse(EPERM)]);
}

function load(offset: number): Instruction {
  return { code: LOAD, ifTrue: 0, ifFalse: 0, value: offset };
}

function jump(code: number, value: number, ifTrue: number, ifFalse: number): Instruction {
  return { code, ifTrue, ifFalse, value };
}

function refuse(errno: number): Instruction {
  return { code: RETURN, ifTrue: 0, ifFalse: 0, value: ERRNO | errno };
}

function allow(): Instruction {
  return { code: RETURN, ifTrue: 0, ifFalse: 0, value: ALLOW };
}
