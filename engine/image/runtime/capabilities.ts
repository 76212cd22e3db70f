/** The capabilities of an app (appc spec, executor, "os/linux/capabilities-retain-set"). */
import { quoted } from '../../core/printable.js';
import type { JsonField } from '../json-field.js';
import type { IsolatorList, NamedValue } from './isolator-list.js';

export const RETAIN_CAPABILITIES = 'os/linux/capabilities-retain-set';
export const REMOVE_CAPABILITIES = 'os/linux/capabilities-remove-set';

/** What an app has that does not say otherwise. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  ...['CAP_AUDIT_WRITE', 'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FSETID', 'CAP_FOWNER', 'CAP_KILL', 'CAP_MKNOD'],
  ...['CAP_NET_RAW', 'CAP_NET_BIND_SERVICE', 'CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_SETFCAP'],
  'CAP_SYS_CHROOT',
];

/** All that Linux 6 has (capabilities(7)). */
const KNOWN: ReadonlySet<string> = new Set([
  ...DEFAULT_CAPABILITIES,
  ...['CAP_AUDIT_CONTROL', 'CAP_AUDIT_READ', 'CAP_BLOCK_SUSPEND', 'CAP_BPF', 'CAP_CHECKPOINT_RESTORE'],
  ...['CAP_DAC_READ_SEARCH', 'CAP_IPC_LOCK', 'CAP_IPC_OWNER', 'CAP_LEASE', 'CAP_LINUX_IMMUTABLE', 'CAP_MAC_ADMIN'],
  ...['CAP_MAC_OVERRIDE', 'CAP_NET_ADMIN', 'CAP_NET_BROADCAST', 'CAP_PERFMON', 'CAP_SYS_ADMIN', 'CAP_SYS_BOOT'],
  ...['CAP_SYS_MODULE', 'CAP_SYS_NICE', 'CAP_SYS_PACCT', 'CAP_SYS_PTRACE', 'CAP_SYS_RAWIO', 'CAP_SYS_RESOURCE'],
  ...['CAP_SYS_TIME', 'CAP_SYS_TTY_CONFIG', 'CAP_SYSLOG', 'CAP_WAKE_ALARM'],
]);

/**
 * The capabilities of an app: those of its retain sets, or the default ones without those of its remove sets.
 * @throws CairnError `ERR_BAD_MANIFEST` for both kinds of sets, and for names that are no capabilities: runtimes
 *   disagree on whether to leave such names out
 */
export function capabilitiesOf(isolators: IsolatorList): string[] {
  const sets = isolators.all(RETAIN_CAPABILITIES, REMOVE_CAPABILITIES);
  const namesOf = (kind: string): string[] =>
    sets.filter(({ name }) => name === kind).flatMap(({ value }) => readSet(value));
  const retained = namesOf(RETAIN_CAPABILITIES);
  const removed = namesOf(REMOVE_CAPABILITIES);
  if (retained.length > 0 && removed.length > 0) {
    const rule = `cannot have both ${RETAIN_CAPABILITIES} and ${REMOVE_CAPABILITIES}`;
    throw (sets.at(-1) as NamedValue).value.fault(rule);
  }
  if (retained.length > 0) return [...new Set(retained)];
  return DEFAULT_CAPABILITIES.filter((each) => !removed.includes(each));
}

function readSet(value: JsonField): string[] {
  const set = value.field('set');
  const names = set.texts();
  const unknown = names.find((name) => !KNOWN.has(name));
  if (unknown !== undefined) throw set.fault(`no such capability: ${quoted(unknown)}`);
  return names;
}
