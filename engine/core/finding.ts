/** What callers may say of how the image that an argument means is found. */
import { defined } from './defined.js';
import type { OperationOptions } from './operation.js';

/** What the argument is, whatever it looks like. */
export const ARGUMENT_TYPES = ['registry', 'oci', 'docker-archive', 'aci', 'url', 'path', 'name'] as const;
export type ArgumentType = (typeof ARGUMENT_TYPES)[number];

/** When to ask the world: never, only for what is missing here, always. */
export const PULL_POLICIES = ['never', 'missing', 'always'] as const;
export type PullPolicy = (typeof PULL_POLICIES)[number];

/** Checks that may be left out: signatures, certificates, encryption of the way, that a key was trusted before. */
export const INSECURE = ['image', 'tls', 'http', 'pubkey'] as const;
export type Insecure = (typeof INSECURE)[number];

/** What users should see of checks that do not take place. */
const LEFT_OUT: Readonly<Record<Insecure, string>> = {
  image: 'signatures of images are not checked, nor is the policy',
  tls: 'certificates are not checked: any server may answer',
  http: 'plain HTTP is spoken where HTTPS fails: anybody on the way may read and change it',
  pubkey: 'keys count that sites offer, whether or not they are trusted',
};

/** Says which checks are left out, each once. */
export function tellLeftOut(insecure: readonly Insecure[], notice: (message: string) => void): void {
  for (const each of new Set(insecure)) notice(LEFT_OUT[each]);
}

/** Whether an image that is not here is fetched, and how. */
export interface FindOptions {
  /** When to fetch the image. */
  pull?: PullPolicy;
  /** `os/architecture[/variant]` that it must be for. By default that of this machine comes first. */
  platform?: string;
  /** Checks that are left out of the fetch. */
  insecure?: readonly Insecure[];
  /** A file with credentials that is asked before all others, in place of podman's own. */
  authfile?: string;
}

/** Those of an operation's options that say how its image is found. */
export function findingOf(options: ResolveOptions): ResolveOptions {
  const { pull, signal, onProgress, platform, insecure, authfile } = options;
  return defined({ pull, signal, onProgress, platform, insecure, authfile });
}

/** Without `pull`, only the store's `remote` is asked, for what is missing here. */
export interface ResolveOptions extends OperationOptions, FindOptions {}
