/** Writes the configuration of a runtime bundle from what is known of an app by then. */
import { defined } from '../../core/defined.js';
import type {
  DeviceRule,
  IdMapping,
  NamespaceType,
  RuntimeConfig,
  RuntimeMount,
  RuntimeNamespace,
  RuntimeUser,
} from './config.js';
import { MASKED_PATHS, READONLY_PATHS, standardMounts } from './defaults.js';
import type { Isolation } from './isolation.js';

export interface IdMappings {
  uids: IdMapping[];
  gids: IdMapping[];
}

export interface AppProcess {
  args: string[];
  cwd: string;
  env: string[];
  user: RuntimeUser;
}

export interface ConfigRequest {
  /** Absolute, or relative to the bundle. */
  rootfs: string;
  readOnly: boolean;
  process: AppProcess;
  terminal: boolean;
  isolation: Isolation;
  hostname: string;
  hostNetwork: boolean;
  /** The directory with the pod's namespaces, for an app that joins them; others make new ones. */
  joined?: string | undefined;
  /** Of a user who is not root. */
  mappings?: IdMappings | undefined;
  /** In the order in which they are mounted, after the standard ones. */
  mounts: readonly RuntimeMount[];
  /** Devices that volumes bring. */
  devices: readonly DeviceRule[];
  annotations: Record<string, string>;
}

/** Runtimes from 2017 on read it; nothing is written that later versions brought. */
const OCI_VERSION = '1.0.2';
const TERMINAL_GROUP = 5;

export function writeConfig(request: ConfigRequest): RuntimeConfig {
  const { isolation, joined, mappings, mounts } = request;
  const { capabilities, resources, sysctl } = isolation;
  const isRootless = mappings !== undefined;
  const standard = standardMounts({
    hostNetwork: request.hostNetwork,
    isRootless,
    hasTerminalGroup: mappings?.gids.every((each) => !isIn(each, TERMINAL_GROUP)) !== true,
  });
  const places = new Set(mounts.map(({ destination }) => destination));
  const devices = [{ allow: false, access: 'rwm' }, ...request.devices];
  return {
    ociVersion: OCI_VERSION,
    root: { path: request.rootfs, readonly: request.readOnly },
    process: {
      terminal: request.terminal,
      ...request.process,
      // An app gets no more by what it runs than it has: what it could inherit would come with every file.
      capabilities: {
        ...{ bounding: capabilities, effective: capabilities, permitted: capabilities },
        ...{ inheritable: [], ambient: [] },
      },
      noNewPrivileges: isolation.noNewPrivileges,
      ...defined({
        oomScoreAdj: isolation.oomScoreAdj,
        selinuxLabel: isolation.selinuxLabel,
        apparmorProfile: isolation.apparmorProfile,
      }),
    },
    ...(joined === undefined ? { hostname: request.hostname } : {}),
    mounts: [...standard.filter(({ destination }) => !places.has(destination)), ...mounts],
    annotations: request.annotations,
    linux: {
      namespaces: namespacesOf(request),
      ...(mappings === undefined || joined !== undefined
        ? {}
        : { uidMappings: mappings.uids, gidMappings: mappings.gids }),
      ...(isRootless ? {} : { resources: { devices, ...resources } }),
      ...(joined === undefined && Object.keys(sysctl).length > 0 ? { sysctl } : {}),
      ...defined({ seccomp: isolation.seccomp }),
      maskedPaths: [...MASKED_PATHS],
      readonlyPaths: [...READONLY_PATHS],
    },
  };
}

export function isIn({ containerID, size }: IdMapping, id: number): boolean {
  return id >= containerID && id < containerID + size;
}

/** Namespaces that the apps of a pod share; each has a mount namespace of its own. */
export const SHARED_NAMESPACES = ['pid', 'network', 'ipc', 'uts'] as const satisfies readonly NamespaceType[];

function namespacesOf({ joined, hostNetwork, mappings }: ConfigRequest): RuntimeNamespace[] {
  const shared: NamespaceType[] = mappings === undefined ? [...SHARED_NAMESPACES] : ['user', ...SHARED_NAMESPACES];
  return [
    ...shared
      .filter((type) => type !== 'network' || !hostNetwork)
      .map((type) => (joined === undefined ? { type } : { type, path: `${joined}/${namespaceFile(type)}` })),
    { type: 'mount' },
  ];
}

/** What the kernel calls a namespace in `/proc/PID/ns`. */
export function namespaceFile(type: NamespaceType): string {
  return type === 'network' ? 'net' : type === 'mount' ? 'mnt' : type;
}
