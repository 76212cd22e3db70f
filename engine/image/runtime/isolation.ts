/** What the isolators of an app and of its pod ask of a runtime, and which of them are kept. */
import { defined } from '../../core/defined.js';
import { quoted } from '../../core/printable.js';
import type { Isolator } from '../aci/isolators.js';
import type { JsonField } from '../json-field.js';
import type { FieldAt } from './app-field.js';
import { capabilitiesOf, REMOVE_CAPABILITIES, RETAIN_CAPABILITIES } from './capabilities.js';
import type { RuntimeResources, Seccomp } from './config.js';
import { IsolatorList } from './isolator-list.js';
import { bounded, CPU, CPU_SHARES, grantsOf, MEMORY, resourcesOf } from './resources.js';
import { type FilterRequest, filterOf, REMOVE_SYSCALLS, RETAIN_SYSCALLS } from './seccomp.js';

export interface Isolation {
  capabilities: string[];
  noNewPrivileges: boolean;
  oomScoreAdj?: number;
  seccomp?: Seccomp;
  selinuxLabel?: string;
  apparmorProfile?: string;
  resources: RuntimeResources;
  /** Of the pod as a whole. */
  sysctl: Record<string, string>;
  /** Names of isolators, the app's before the pod's. */
  enforced: string[];
  ignored: string[];
}

export interface IsolationRequest {
  app: readonly Isolator[];
  pod: readonly Isolator[];
  /** Of the app's process. */
  uid: number;
  /** Of this machine, by Go's name. */
  architecture: string;
  /** Whether there are control groups for the app. */
  hasCgroups: boolean;
  at: FieldAt;
}

const NO_NEW_PRIVILEGES = 'os/linux/no-new-privileges';
const OOM_SCORE_ADJ = 'os/linux/oom-score-adj';
const SELINUX = 'os/linux/selinux-context';
const APPARMOR = 'os/linux/apparmor-profile';
const SYSCTL = 'os/unix/sysctl';

const IN_CGROUPS = [CPU, MEMORY, CPU_SHARES];
const OF_APPS = [
  ...[RETAIN_CAPABILITIES, REMOVE_CAPABILITIES, RETAIN_SYSCALLS, REMOVE_SYSCALLS],
  ...[NO_NEW_PRIVILEGES, OOM_SCORE_ADJ, SELINUX, APPARMOR],
];
const OF_PODS = [SELINUX, APPARMOR, SYSCTL];

/** @throws CairnError `ERR_BAD_MANIFEST`, `ERR_UNSUPPORTED` for filters that mean nothing here */
export function isolationOf({ uid, architecture, hasCgroups, at, ...isolators }: IsolationRequest): Isolation {
  const app = new IsolatorList(isolators.app, at, 'app.isolators');
  const pod = new IsolatorList(isolators.pod, at, "pod's isolators");
  const capabilities = capabilitiesOf(app);
  const filter = filterOf({ ...filterRequest(app), capabilities, architecture });
  const isAsked = app.all(NO_NEW_PRIVILEGES).some(({ value }) => value.flag());
  // Who is not root needs it to have a filter at all.
  const isForced = filter.seccomp !== undefined && (uid !== 0 || filter.needsNoNewPrivileges);
  const kept = [...app.names.filter(isKept(OF_APPS, hasCgroups)), ...pod.names.filter(isKept(OF_PODS, hasCgroups))];
  const all = [...new Set([...app.names, ...pod.names])];
  return {
    capabilities,
    noNewPrivileges: isAsked || isForced,
    ...defined({
      seccomp: filter.seccomp,
      oomScoreAdj: app.last(OOM_SCORE_ADJ)?.integer(-1000, 1000),
      selinuxLabel: selinuxLabel(app.last(SELINUX) ?? pod.last(SELINUX)),
      apparmorProfile: apparmorProfile(app.last(APPARMOR) ?? pod.last(APPARMOR)),
    }),
    resources: hasCgroups ? resourcesOf(bounded(grantsOf(app), grantsOf(pod))) : {},
    sysctl: sysctlOf(pod.last(SYSCTL)),
    enforced: all.filter((name) => kept.includes(name)),
    ignored: all.filter((name) => !kept.includes(name)),
  };
}

function isKept(kinds: readonly string[], hasCgroups: boolean): (name: string) => boolean {
  return (name) => kinds.includes(name) || (hasCgroups && IN_CGROUPS.includes(name));
}

function filterRequest(app: IsolatorList): Pick<FilterRequest, 'isolator'> {
  const [found, another] = app.all(RETAIN_SYSCALLS, REMOVE_SYSCALLS);
  if (another !== undefined) throw another.value.fault('too many seccomp isolators specified');
  if (found === undefined) return {};
  return { isolator: { value: found.value, kind: found.name === RETAIN_SYSCALLS ? 'retain' : 'remove' } };
}

function selinuxLabel(value: JsonField | undefined): string | undefined {
  if (value === undefined) return undefined;
  return ['user', 'role', 'type', 'level'].map((part) => value.field(part).text()).join(':');
}

/** The spec has an object, and older manifests the name alone. */
function apparmorProfile(value: JsonField | undefined): string | undefined {
  return typeof value?.value === 'string' ? value.value : value?.field('profile').text();
}

/** Settings of the kernel that each pod has for itself; all others are the host's. */
const OF_A_POD = /^(?:net\.|fs\.mqueue\.|kernel\.(?:msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)$)/;

function sysctlOf(value: JsonField | undefined): Record<string, string> {
  if (value === undefined) return {};
  const settings = value.textMap();
  const foreign = Object.keys(settings).find((key) => !OF_A_POD.test(key) || key.includes('/'));
  if (foreign !== undefined) throw value.fault(`${quoted(foreign)} is a setting of the host's, not of the pod's`);
  return settings;
}
