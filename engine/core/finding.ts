/** What callers may say of how the image that an argument means is found. */
import type { OperationOptions } from './operation.js';

/** What the argument is, whatever it looks like. */
export const ARGUMENT_TYPES = ['registry', 'oci', 'docker-archive', 'aci', 'url', 'path', 'name'] as const;
export type ArgumentType = (typeof ARGUMENT_TYPES)[number];

/** When to ask the world: never, only for what is missing here, always. */
export const PULL_POLICIES = ['never', 'missing', 'always'] as const;
export type PullPolicy = (typeof PULL_POLICIES)[number];

export interface ResolveOptions extends OperationOptions {
  /** When to fetch the image. By default only the store's `remote` is asked, for what is missing here. */
  pull?: PullPolicy;
}
