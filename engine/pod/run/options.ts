/** The options and the result of running a pod. */
import type { OperationOptions } from '../../core/operation.js';

/** Gives each signal to a receiver, until the returned function is called. */
export type SignalSource = (receiver: (name: NodeJS.Signals) => void) => () => void;

export interface RunOptions extends OperationOptions {
  /** A path or a name of an OCI runtime; by default the first of crun and runc that is found. */
  runtime?: string;
  /** What runs in place of the image's own program; for a pod of one app. */
  exec?: string;
  /** With `exec` its arguments, else further ones of the image's own program; for a pod of one app. */
  args?: readonly string[];
  /** `args` take the place of an image's whole command, but for an OCI image's entrypoint. */
  replace?: boolean;
  /** Standard input goes to the app; for a pod of one app. */
  interactive?: boolean;
  /** Standard input, a terminal, is that of the app, too. */
  tty?: boolean;
  /** The namespace of the network: a new one, which leads nowhere, by default; or the host's. */
  net?: 'none' | 'host';
  /** Signals to pass on to all apps. */
  signals?: SignalSource;
  /** Called when the apps are about to be started. */
  onStart?: (pod: string) => void;
}

export interface PodEnd {
  pod: string;
  /** That of the app that failed first; 0 if none did. */
  exitCode: number;
  apps: { name: string; exitCode: number }[];
}
