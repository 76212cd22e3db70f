/** What somebody wants of a pod, before its images are looked up: how `pod manifest` and its like begin. */
import type { App, MountPoint, Port } from '../image/aci/app.js';
import type { Isolator } from '../image/aci/isolators.js';
import type { ExposedPort, Mount, Volume } from '../image/aci/pod.js';

/** Texts by name. */
export type Texts = Readonly<Record<string, string>>;

export interface PodRequest {
  apps: readonly AppRequest[];
  volumes?: readonly Volume[];
  /** For all apps. An app's own mount of the same path comes first. */
  mounts?: readonly Mount[];
  /** For all apps. An app's own variable of the same name comes first. */
  environment?: Texts;
  ports?: readonly ExposedPort[];
  /** Of the pod as a whole, as the rest. */
  isolators?: readonly Isolator[];
  annotations?: Texts;
  userAnnotations?: Texts;
  userLabels?: Texts;
}

/** One app. What is absent is as its image says. */
export interface AppRequest {
  /** A key, a name, or the path of an archive. */
  image: string;
  /** The last part of the image's name by default. */
  name?: string;
  /** Instead of the image's own app, as a whole. The rest of the request changes it. */
  app?: App;
  /** Instead of what the image runs, its arguments included. */
  exec?: readonly string[];
  /** Added to what runs; of an OCI image, they come instead of its `Cmd`. */
  args?: readonly string[];
  user?: string;
  group?: string;
  supplementaryGIDs?: readonly number[];
  workingDirectory?: string;
  /** Each replaces the image's variable of that name. */
  environment?: Texts;
  mounts?: readonly Mount[];
  /** Each replaces the image's mount point of that path. */
  mountPoints?: readonly MountPoint[];
  /** Each replaces the image's port of that name. */
  ports?: readonly Port[];
  /** Each replaces the image's isolators of that kind. */
  isolators?: readonly Isolator[];
  readOnlyRootFS?: boolean;
  /** Of the app in this pod. */
  annotations?: Texts;
  /** Instead of the image's own. */
  userAnnotations?: Texts;
  userLabels?: Texts;
}
