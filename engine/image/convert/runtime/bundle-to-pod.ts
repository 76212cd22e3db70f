/**
 * What the configuration of an OCI runtime bundle says, in the words of a pod manifest, as oci2rkt had it. What appc
 * has no word for is told. Where it cannot be said exactly, the app may do less than it could, not more. Pure.
 */
import type { Limits } from '../../../core/limits.js';
import { MAX_ID, MAX_POD_LIST } from '../../../core/limits.js';
import type { App, EnvironmentVariable } from '../../aci/app.js';
import type { Isolator } from '../../aci/isolators.js';
import { acIdentifierFault } from '../../aci/names.js';
import type { Mount, Volume } from '../../aci/pod.js';
import { parseJson } from '../../json.js';
import { JsonField } from '../../json-field.js';
import { capabilitiesFrom } from './capabilities.js';
import { mountsFrom } from './mounts.js';
import { resourcesFrom } from './resources.js';
import { seccompFrom } from './seccomp.js';
import { type Notice, Untold } from './untold.js';

/** The one app of a bundle, and what its pod needs. */
export interface ConvertedBundle {
  app: App;
  readOnlyRootFS: boolean;
  mounts: Mount[];
  annotations: Record<string, string>;
  volumes: Volume[];
  /** Of the pod. */
  isolators: Isolator[];
  notices: Notice[];
}

const DOCUMENT = 'config.json';

/**
 * Converts the configuration of a bundle.
 *
 * @param dir the bundle: absolute; sources of mounts are relative to it
 * @throws CairnError `ERR_BAD_ARCHIVE` for what only a hostile document has (see `parseJson`), else `ERR_BAD_MANIFEST`;
 *   `entry` is `config.json: ` and the path to the fault such as `process.user.uid`
 */
export function podFromBundle(bytes: Uint8Array, dir: string, limits: Pick<Limits, 'maxManifest'>): ConvertedBundle {
  const root = new JsonField(DOCUMENT, parseJson(bytes, DOCUMENT, limits));
  const untold = new Untold();
  const version = root.exactField('ociVersion');
  if (version.text() === '') throw version.fault('ociVersion must be set');
  const linux = root.exactField('linux').orEmpty();
  const { mounts, volumes } = mountsFrom(root.exactField('mounts').items(MAX_POD_LIST), dir, untold);
  const { annotations, userAnnotations } = annotationsFrom(root.exactField('annotations'));
  const app = appFrom(root.exactField('process'), untold);
  const ofLinux = [
    ...resourcesFrom(linux.exactField('resources'), untold),
    ...seccompFrom(linux.exactField('seccomp'), untold),
  ];
  tellLinux(linux, untold);
  const fileSystem = root.exactField('root').orEmpty();
  untold.rest(fileSystem, ['path', 'readonly']);
  untold.rest(root, ['ociVersion', 'process', 'root', 'mounts', 'linux', 'annotations'], OF_THE_HOST);
  return {
    app: { ...app, isolators: [...app.isolators, ...ofLinux], userAnnotations },
    readOnlyRootFS: fileSystem.exactField('readonly').flag(),
    ...{ mounts, annotations, volumes },
    isolators: sysctlFrom(linux.exactField('sysctl')),
    notices: untold.all(DOCUMENT),
  };
}

const OF_THE_HOST = {
  hooks: 'hooks run on the host, and event handlers of appc in the app: they are not converted',
  hostname: 'whoever runs the pod gives it a name',
  domainname: 'whoever runs the pod gives it a name',
};

/** Whatever name an annotation has, it is kept: by a name that appc does not allow, as one for people. */
function annotationsFrom(field: JsonField): Record<'annotations' | 'userAnnotations', Record<string, string>> {
  const all = Object.entries(field.textMap());
  const isFree = ([name]: [string, string]): boolean => acIdentifierFault(name) === undefined && !RULED.has(name);
  return {
    annotations: Object.fromEntries(all.filter(isFree)),
    userAnnotations: Object.fromEntries(all.filter((each) => !isFree(each))),
  };
}

/** Annotations whose values appc has rules for. */
const RULED: ReadonlySet<string> = new Set(['created', 'homepage', 'documentation']);

function appFrom(process: JsonField, untold: Untold): App {
  if (process.absent) throw process.fault('process must be set');
  const args = process.exactField('args');
  const exec = args.texts();
  if (exec.length === 0) throw args.fault('args must not be empty');
  const cwd = process.exactField('cwd');
  if (!cwd.text().startsWith('/')) throw cwd.fault('cwd must be an absolute path');
  const user = process.exactField('user').orEmpty();
  untold.rest(user, ['uid', 'gid', 'additionalGids']);
  const converted = ['args', 'cwd', 'env', 'user', 'capabilities', ...Object.keys(OF_PROCESS)];
  untold.rest(process, converted, {
    terminal: 'whoever runs the pod decides',
    rlimits: 'appc has no limits of this kind',
  });
  return {
    exec,
    user: `${user.exactField('uid').integer(0, MAX_ID)}`,
    group: `${user.exactField('gid').integer(0, MAX_ID)}`,
    supplementaryGIDs: user
      .exactField('additionalGids')
      .items()
      .map((gid) => gid.integer(0, MAX_ID)),
    workingDirectory: cwd.text(),
    environment: environmentFrom(process.exactField('env'), untold),
    isolators: [...isolatorsOf(process, untold), ...capabilitiesFrom(process.exactField('capabilities'), untold)],
    ...{ eventHandlers: [], mountPoints: [], ports: [], userAnnotations: {}, userLabels: {} },
  };
}

/** Of several values of one name the last counts. */
function environmentFrom(env: JsonField, untold: Untold): EnvironmentVariable[] {
  const values = new Map<string, string>();
  for (const variable of env.items()) {
    const [, name, value = ''] = /^([A-Za-z_][A-Za-z_0-9.-]*)=(.*)$/s.exec(variable.text()) ?? [];
    if (name === undefined) untold.tell(variable, 'not a variable of appc: NAME=value');
    else {
      if (values.has(name)) untold.tell(variable, `${name} has a value already, which this one replaces`);
      values.set(name, value);
    }
  }
  return [...values].map(([name, value]) => ({ name, value }));
}

/** How each of these fields of a process becomes an isolator, if it does. */
const OF_PROCESS: Readonly<Record<string, (field: JsonField) => Isolator | undefined>> = {
  noNewPrivileges: (field) => (field.flag() ? { name: 'os/linux/no-new-privileges', value: true } : undefined),
  oomScoreAdj: (field) => ({ name: 'os/linux/oom-score-adj', value: field.integer(-1000, 1000) }),
  apparmorProfile: (field) => ({ name: 'os/linux/apparmor-profile', value: { profile: field.text() } }),
  selinuxLabel: (field) => {
    const [, user, role, type, level] = /^([^:]+):([^:]+):([^:]+):(.+)$/s.exec(field.text()) ?? [];
    if (user === undefined || role === undefined || type === undefined || level === undefined) return undefined;
    return { name: 'os/linux/selinux-context', value: { user, role, type, level } };
  },
};

function isolatorsOf(process: JsonField, untold: Untold): Isolator[] {
  return Object.entries(OF_PROCESS).flatMap(([key, convert]) => {
    const field = process.exactField(key);
    if (field.absent || field.value === '' || field.value === false) return [];
    const isolator = convert(field);
    if (isolator === undefined) untold.tell(field, 'not a context of four parts');
    return isolator ?? [];
  });
}

function sysctlFrom(sysctl: JsonField): Isolator[] {
  const value = sysctl.textMap();
  return Object.keys(value).length === 0 ? [] : [{ name: 'os/unix/sysctl', value }];
}

/** Namespaces that each pod, or each app of it, has. */
const OWN_NAMESPACES = ['pid', 'network', 'ipc', 'uts', 'mount'];

function tellLinux(linux: JsonField, untold: Untold): void {
  const namespaces = linux.exactField('namespaces');
  const seen = new Set<string>();
  for (const namespace of namespaces.items()) {
    const type = namespace.exactField('type').text();
    seen.add(type);
    if (!OWN_NAMESPACES.includes(type)) untold.tell(namespace, `a pod manifest cannot ask for a ${type} namespace`);
    else if (namespace.exactField('path').text() !== '') {
      untold.tell(namespace.exactField('path'), `the pod has a ${type} namespace of its own, and joins no other`);
    }
  }
  for (const type of OWN_NAMESPACES) {
    if (!seen.has(type))
      untold.tell(namespaces, `the pod has a ${type} namespace of its own: it does not share the host's`);
  }
  untold.rest(linux, ['namespaces', 'resources', 'seccomp', 'sysctl'], {
    maskedPaths: 'whoever runs the pod masks paths of its own',
    readonlyPaths: 'whoever runs the pod protects paths of its own',
    cgroupsPath: 'whoever runs the pod chooses the cgroup',
  });
}
