/** The configuration of an OCI runtime bundle (OCI runtime spec, config.json), as far as it is written here. */

export interface RuntimeConfig {
  ociVersion: string;
  root: { path: string; readonly: boolean };
  process: RuntimeProcess;
  hostname?: string;
  mounts: RuntimeMount[];
  annotations: Record<string, string>;
  linux: RuntimeLinux;
}

export interface RuntimeProcess {
  terminal: boolean;
  user: RuntimeUser;
  args: string[];
  env: string[];
  /** Absolute. */
  cwd: string;
  capabilities: Record<'bounding' | 'effective' | 'permitted' | 'inheritable' | 'ambient', string[]>;
  noNewPrivileges: boolean;
  oomScoreAdj?: number;
  selinuxLabel?: string;
  apparmorProfile?: string;
}

export interface RuntimeUser {
  uid: number;
  gid: number;
  additionalGids?: number[];
}

export interface RuntimeMount {
  /** Absolute. */
  destination: string;
  type: string;
  source: string;
  options: string[];
}

export interface RuntimeLinux {
  namespaces: RuntimeNamespace[];
  uidMappings?: IdMapping[];
  gidMappings?: IdMapping[];
  resources?: RuntimeResources;
  sysctl?: Record<string, string>;
  seccomp?: Seccomp;
  maskedPaths: string[];
  readonlyPaths: string[];
}

export type NamespaceType = 'pid' | 'network' | 'ipc' | 'uts' | 'mount' | 'user';

export interface RuntimeNamespace {
  type: NamespaceType;
  /** Of a namespace to join; absent: a new one. */
  path?: string;
}

export interface IdMapping {
  containerID: number;
  hostID: number;
  size: number;
}

export interface RuntimeResources {
  devices?: DeviceRule[];
  memory?: { limit?: number; reservation?: number };
  cpu?: { shares?: number; quota?: number; period?: number };
}

export interface DeviceRule {
  allow: boolean;
  type?: 'c' | 'b';
  major?: number;
  minor?: number;
  access: string;
}

export type SeccompAction = 'SCMP_ACT_ALLOW' | 'SCMP_ACT_ERRNO' | 'SCMP_ACT_KILL_PROCESS';

export interface Seccomp {
  defaultAction: SeccompAction;
  /** Of `SCMP_ACT_ERRNO`. */
  defaultErrnoRet?: number;
  architectures?: string[];
  syscalls: SeccompRule[];
}

export interface SeccompRule {
  names: string[];
  action: SeccompAction;
  errnoRet?: number;
  args?: SeccompArgument[];
}

export interface SeccompArgument {
  index: number;
  value: number;
  valueTwo?: number;
  op: 'SCMP_CMP_EQ' | 'SCMP_CMP_MASKED_EQ';
}
