/** The options and the results of making bundles. */
import type { FindOptions } from '../../core/finding.js';
import type { OperationOptions } from '../../core/operation.js';
import type { Overlay, RootfsKind } from './rootfs.js';

export interface BundleOptions extends OperationOptions {
  /** By default an overlay where this process can mount, else a copy, by reflink where the file system can. */
  rootfs?: RootfsKind;
  /** `none` by default: a network of the pod's own, with nothing but the loopback interface. */
  network?: 'none' | 'host';
  /** Whether the app's process gets a terminal, which the runtime makes. */
  terminal?: boolean;
  /** Of the pod; by default made of its id. */
  hostname?: string;
  /**
   * A directory with the namespaces that all apps join (`pid`, `net`, `ipc`, `uts`). By default the first app makes
   * them, and the others join those that are linked to.
   */
  namespaces?: string;
}

/** Of bundles whose maker says what becomes of them. */
export interface PlacedBundleOptions extends BundleOptions {
  /** They go when their apps have ended: nothing that those write to their roots need be flushed. */
  volatile?: boolean;
}

/** One app as an OCI runtime takes it. */
export interface Bundle {
  app: string;
  /** Absolute, as are all paths here: what a runtime takes as `--bundle`. */
  dir: string;
  /** The file `config.json`. */
  config: string;
  rootfs: string;
  mode: RootfsKind;
  /**
   * Set for an overlay that a user who is not root has yet to mount at `rootfs`, with the option `userxattr`, in a user
   * namespace where the user is root. The configuration is for a runtime that runs there.
   */
  overlay?: Overlay;
  /** Bundles that run before the app, and when it has ended, with the same root and volumes. */
  preStart?: string;
  postStop?: string;
  /** What became of the app's isolators, and of its pod's. */
  isolators: { enforced: string[]; ignored: string[] };
}

/** By default the image is fetched if it is missing here. */
export interface BundleImageOptions extends BundleOptions, FindOptions {
  /** What runs in place of the image's own program. */
  exec?: string;
  /** With `exec` its arguments, else the command; of an OCI image, its entrypoint's arguments. */
  args?: readonly string[];
}

/** A bundle, and what holds its tree for it: an overlay shows the tree itself. */
export interface HeldBundle extends Bundle {
  treeId: string;
  /** The id of the lease on the tree, until the bundle is removed. */
  lease?: string;
}
