/** The filter of an app's system calls (appc spec, executor, "os/linux/seccomp-retain-set"). */
import { defined } from '../../core/defined.js';
import { quoted } from '../../core/printable.js';
import type { JsonField } from '../json-field.js';
import type { Seccomp, SeccompRule } from './config.js';
import { ENOSYS, EPERM, errnoNumber } from './errno.js';
import { ALLOWED, ALLOWED_WITH, BLOCKED, LIFE_CYCLE, RUNTIME_NEEDS } from './syscalls.js';

export const RETAIN_SYSCALLS = 'os/linux/seccomp-retain-set';
export const REMOVE_SYSCALLS = 'os/linux/seccomp-remove-set';

const SETS: ReadonlyMap<string, readonly string[]> = new Map([
  ['@docker/default-whitelist', ALLOWED],
  ['@docker/default-blacklist', BLOCKED],
  ['@rkt/default-whitelist', ALLOWED],
  ['@rkt/default-blacklist', BLOCKED],
]);

/** The machine that an app is for, by Go's name, and the smaller ones whose programs run there, too. */
const FAMILIES: ReadonlyMap<string, string[]> = new Map([
  ['amd64', ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32']],
  ['386', ['SCMP_ARCH_X86']],
  ['arm64', ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM']],
  ['arm', ['SCMP_ARCH_ARM']],
  ['ppc64le', ['SCMP_ARCH_PPC64LE']],
  ['riscv64', ['SCMP_ARCH_RISCV64']],
  ['s390x', ['SCMP_ARCH_S390X', 'SCMP_ARCH_S390']],
]);

export interface Filtering {
  /** Absent where an app opts out. */
  seccomp?: Seccomp;
  /** Whether the runtime itself could not work under the filter: applying it last takes `no_new_privs`. */
  needsNoNewPrivileges: boolean;
}

export interface FilterRequest {
  /** The isolator's value, and whether it lists what the app keeps or what it loses. Absent: the default filter. */
  isolator?: { value: JsonField; kind: 'retain' | 'remove' };
  capabilities: readonly string[];
  /** Of this machine, by Go's name. */
  architecture: string;
}

/**
 * The filter that an app's isolator asks for, else the default one.
 * @throws CairnError `ERR_UNSUPPORTED` for a wildcard or an error that mean nothing here: what the app
 *   shall be kept from is not known then
 */
export function filterOf({ isolator, capabilities, architecture }: FilterRequest): Filtering {
  const families = defined({ architectures: FAMILIES.get(architecture) });
  const wide = (filter: Seccomp): Filtering => ({
    seccomp: { ...filter, ...families },
    needsNoNewPrivileges: false,
  });
  if (isolator === undefined) return wide(defaultFilter(capabilities, architecture));
  const { kind, value } = isolator;
  const set = value.field('set');
  const blocking = blockingAction(value.field('errno'));
  if (kind === 'remove') {
    if (set.texts().includes('@appc.io/empty')) {
      const filter = defaultFilter(capabilities, architecture);
      return wide(blocking.errno === undefined ? filter : { ...filter, ...asDefault(blocking) });
    }
    const { action, errno } = blocking;
    const rule = { names: expand(set), action, ...defined({ errnoRet: errno }) };
    return wide({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] });
  }
  if (set.texts().includes('@appc.io/all')) return { needsNoNewPrivileges: false };
  const retained = [...new Set([...expand(set), ...LIFE_CYCLE])];
  const seccomp = { ...asDefault(blocking), ...families, syscalls: [allow(retained), ...withoutClone3(retained)] };
  return { seccomp, needsNoNewPrivileges: !RUNTIME_NEEDS.every((name) => retained.includes(name)) };
}

/**
 * As the default filters of other engines: what is known to be dangerous is not permitted, and what is not known is not
 * there, so that programs fall back to what older kernels have.
 */
function defaultFilter(capabilities: readonly string[], architecture: string): Seccomp {
  const granted = [...new Set(capabilities.flatMap((each) => ALLOWED_WITH[each] ?? []))];
  const isPrivileged = capabilities.includes('CAP_SYS_ADMIN');
  const plain = [...ALLOWED, ...granted].filter((name) => isPrivileged || name !== 'clone');
  const refused = BLOCKED.filter((name) => !granted.includes(name));
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: ENOSYS,
    syscalls: [
      allow([...new Set(plain)]),
      ...(isPrivileged ? [] : [cloneWithoutNamespaces(architecture)]),
      { names: refused, action: 'SCMP_ACT_ERRNO', errnoRet: EPERM },
    ],
  };
}

/** All flags of clone(2) that make namespaces. */
const NEW_NAMESPACES = 0x7e02_0000;

function cloneWithoutNamespaces(architecture: string): SeccompRule {
  const index = architecture === 's390x' ? 1 : 0;
  const args = [{ index, value: NEW_NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' as const }];
  return { ...allow(['clone']), args };
}

/** C libraries try `clone3` first, and go on with `clone` only if they are told that it is not there. */
function withoutClone3(retained: readonly string[]): SeccompRule[] {
  if (!retained.includes('clone') || retained.includes('clone3')) return [];
  return [{ names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS }];
}

function allow(names: string[]): SeccompRule {
  return { names, action: 'SCMP_ACT_ALLOW' };
}

interface Blocking {
  action: 'SCMP_ACT_ERRNO' | 'SCMP_ACT_KILL_PROCESS';
  errno: number | undefined;
}

function blockingAction(field: JsonField): Blocking {
  const name = field.text();
  if (name === '') return { action: 'SCMP_ACT_KILL_PROCESS', errno: undefined };
  const errno = errnoNumber(name);
  if (errno === undefined) throw field.fault(`Linux has no error ${quoted(name)}`, 'ERR_UNSUPPORTED');
  return { action: 'SCMP_ACT_ERRNO', errno };
}

function asDefault({ action, errno }: Blocking): Pick<Seccomp, 'defaultAction' | 'defaultErrnoRet'> {
  return { defaultAction: action, ...defined({ defaultErrnoRet: errno }) };
}

/** The names of a set, those that its wildcards stand for among them. */
function expand(set: JsonField): string[] {
  const names = set.texts().flatMap((name) => {
    if (!name.startsWith('@')) return [name];
    const known = SETS.get(name);
    if (known === undefined) {
      throw set.fault(`no such set of system calls here: ${quoted(name)} (${WILDCARDS})`, 'ERR_UNSUPPORTED');
    }
    return known;
  });
  return [...new Set(names)];
}

const WILDCARDS = ['@appc.io/all', '@appc.io/empty', ...SETS.keys()].join(', ');
