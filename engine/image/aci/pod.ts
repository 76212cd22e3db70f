/** What a pod manifest says: which images run together, and how (appc spec 0.8.11, pod manifest). */
import type { JsonObject } from '../json.js';
import type { Label } from '../label.js';
import type { App, Port } from './app.js';
import type { Annotation } from './common-fields.js';
import type { Isolator } from './isolators.js';

/** A pod manifest. Absent lists and maps are empty. */
export interface PodManifest {
  /** Empty if the manifest has none: the reference implementation does not ask for one. */
  acVersion: string;
  /** Each with a name of its own. */
  apps: RuntimeApp[];
  /** Each with a name of its own. */
  volumes: Volume[];
  /** Of the pod as a whole. */
  isolators: Isolator[];
  annotations: Annotation[];
  ports: ExposedPort[];
  userAnnotations: Record<string, string>;
  userLabels: Record<string, string>;
  /** The whole document, with the fields that this version does not know. */
  raw: JsonObject;
}

/** One app of a pod. */
export interface RuntimeApp {
  /** An AC Name. */
  name: string;
  image: RuntimeImage;
  /** What runs instead of the image's own app, as a whole; absent: the image's own. */
  app?: App;
  readOnlyRootFS: boolean;
  mounts: Mount[];
  annotations: Annotation[];
}

/** The image of an app. Where name and labels are given beside the key, all must agree. */
export interface RuntimeImage {
  /** A key or a prefix of a key, in lower case: `sha512-` and 2 to 128 hexadecimal digits. */
  id: string;
  name?: string;
  labels: Label[];
}

/** Where a volume appears in an app. */
export interface Mount {
  /** The name of a volume of the pod. */
  volume: string;
  /** An absolute path in the app. */
  path: string;
  /** The volume itself, only for this mount: it comes before the pod's volume of that name. */
  appVolume?: Volume;
}

export type Volume = EmptyVolume | HostVolume;

/** A directory made for the pod, empty at first. */
export interface EmptyVolume {
  kind: 'empty';
  name: string;
  /** Absent: what the mount point says. */
  readOnly?: boolean;
  mode: number;
  uid: number;
  gid: number;
}

/** A file or directory of the host. */
export interface HostVolume {
  kind: 'host';
  name: string;
  /** An absolute path on the host. */
  source: string;
  /** Absent: what the mount point says. */
  readOnly?: boolean;
  /** Whether mounts below the source come along. Absent: they do. */
  recursive?: boolean;
}

/** A port of an app that the pod offers to the outside. */
export interface ExposedPort {
  /** The name of a port of an app. */
  name: string;
  hostPort: number;
  hostIP?: string;
  /** The port itself, where no app names it. */
  podPort?: Port;
}
