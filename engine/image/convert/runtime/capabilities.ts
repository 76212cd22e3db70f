/** Capabilities of an OCI runtime bundle, in the words of appc, which has one set where OCI has five. */
import type { Isolator } from '../../aci/isolators.js';
import type { JsonField } from '../../json-field.js';
import type { Untold } from './untold.js';

const SETS = ['bounding', 'effective', 'permitted', 'inheritable', 'ambient'];

/** Removed from what an app has by default, nothing is left: an empty set to retain is none of appc. */
const DEFAULT_ONES = [
  ...['CAP_AUDIT_WRITE', 'CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FSETID', 'CAP_FOWNER', 'CAP_KILL', 'CAP_MKNOD'],
  ...['CAP_NET_RAW', 'CAP_NET_BIND_SERVICE', 'CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP', 'CAP_SETFCAP'],
  'CAP_SYS_CHROOT',
];

/** The app has what the process had in effect, and no more. */
export function capabilitiesFrom(capabilities: JsonField, untold: Untold): Isolator[] {
  if (capabilities.absent) {
    untold.tell(capabilities, 'the app has the capabilities that apps have by default');
    return [];
  }
  untold.rest(capabilities, SETS);
  const [bounding, effective, permitted] = SETS.map((set) => capabilities.exactField(set).texts()) as [
    string[],
    string[],
    string[],
  ];
  const retained = [...new Set(effective.filter((each) => bounding.includes(each) && permitted.includes(each)))];
  for (const set of SETS) {
    const field = capabilities.exactField(set);
    const names = new Set(field.texts());
    const isSame = names.size === retained.length && retained.every((each) => names.has(each));
    if (names.size > 0 && !isSame) untold.tell(field, 'appc has one set: the app has what was in effect');
  }
  if (retained.length > 0) return [{ name: 'os/linux/capabilities-retain-set', value: { set: retained } }];
  return [{ name: 'os/linux/capabilities-remove-set', value: { set: DEFAULT_ONES } }];
}
