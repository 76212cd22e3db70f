/** Filters of system calls of an OCI runtime bundle as isolators of appc, which know names alone. */
import { errnoName } from '../../../core/errors.js';
import { quoted } from '../../../core/printable.js';
import type { Isolator } from '../../aci/isolators.js';
import type { JsonField } from '../../json-field.js';
import type { Untold } from './untold.js';

const ALLOW = 'SCMP_ACT_ALLOW';
const ERRNO = 'SCMP_ACT_ERRNO';
/** Actions by which a call does not happen. */
const REFUSALS: ReadonlySet<string> = new Set([
  ERRNO,
  'SCMP_ACT_KILL',
  'SCMP_ACT_KILL_PROCESS',
  'SCMP_ACT_KILL_THREAD',
]);
/** The error of a refused call that names none. */
const DEFAULT_ERRNO = 1;

interface Rule {
  field: JsonField;
  names: string[];
  action: string;
}

/** A filter that refuses by default stays so: calls that it allows by their arguments alone are refused. */
export function seccompFrom(seccomp: JsonField, untold: Untold): Isolator[] {
  if (seccomp.absent) return [];
  const action = seccomp.exactField('defaultAction');
  const isRefusal = REFUSALS.has(action.text());
  if (!isRefusal && action.text() !== ALLOW) {
    untold.tell(seccomp, `appc has no filter that begins with ${quoted(action.text())}`);
    return [];
  }
  untold.rest(seccomp, ['defaultAction', 'defaultErrnoRet', 'syscalls'], {
    architectures: 'the filter is for the architecture of the machine',
  });
  const rules = rulesIn(seccomp.exactField('syscalls'), isRefusal, untold);
  const set = [...new Set(rules.flatMap(({ names }) => names))];
  if (isRefusal) {
    const errno = errnoOf(action.text(), seccomp.exactField('defaultErrnoRet'));
    return filter('os/linux/seccomp-retain-set', set.length === 0 ? ['@appc.io/empty'] : set, errno);
  }
  if (set.length === 0) return [];
  const errnos = new Set(rules.map(({ field, action }) => errnoOf(action, field.exactField('errnoRet'))));
  if (errnos.size > 1)
    untold.tell(seccomp.exactField('syscalls'), 'appc has one error for all calls: the first is taken');
  return filter('os/linux/seccomp-remove-set', set, [...errnos][0] ?? '');
}

/** The rules that say the opposite of the default, for whatever arguments. */
function rulesIn(syscalls: JsonField, isRefusal: boolean, untold: Untold): Rule[] {
  return syscalls.items().flatMap((field) => {
    const action = field.exactField('action').text();
    const names = field.exactField('names').texts();
    const isOpposite = isRefusal ? action === ALLOW : REFUSALS.has(action);
    const isSame = isRefusal ? REFUSALS.has(action) : action === ALLOW;
    const hasArguments = field.exactField('args').items().length > 0;
    untold.rest(field, ['names', 'action', 'args', 'errnoRet']);
    if (isOpposite && !hasArguments) return [{ field, names, action }];
    const what = isRefusal ? 'refused' : 'allowed';
    if (isOpposite) untold.tell(field, `appc does not look at arguments: ${what} always: ${names.join(', ')}`);
    else if (!isSame) untold.tell(field, `appc has no ${quoted(action)}: ${what}: ${names.join(', ')}`);
    else if (field.exactField('errnoRet').absent === false || hasArguments) {
      untold.tell(field, `${what} as all calls are: ${names.join(', ')}`);
    }
    return [];
  });
}

/** @returns an empty text for a call that kills */
function errnoOf(action: string, errno: JsonField): string {
  if (action !== ERRNO) return '';
  return errnoName(errno.absent ? DEFAULT_ERRNO : errno.integer(0, 4095)) ?? 'EPERM';
}

function filter(name: string, set: readonly string[], errno: string): Isolator[] {
  return [{ name, value: { set: [...set], ...(errno === '' ? {} : { errno }) } }];
}
