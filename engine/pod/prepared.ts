/** A prepared pod: its manifest's images found, their trees rendered and held. What bundles are made of. */
import type { Key } from '../core/key.js';
import type { ImageManifest } from '../image/aci/manifest.js';
import type { PodManifest, RuntimeApp } from '../image/aci/pod.js';
import type { OciConfig } from '../image/oci/config.js';

export interface PreparedPod {
  /** A UUID, in lower case. */
  id: string;
  /** The pod's own directory in the store: absolute. */
  dir: string;
  /** Its manifest, with the full key of every image. */
  manifest: PodManifest;
  /** In the order of the manifest. */
  apps: PreparedApp[];
}

export interface PreparedApp {
  /** As in the pod's manifest. */
  name: string;
  /** What the pod's manifest says of it. */
  runtime: RuntimeApp;
  /** The key of its image. */
  image: Key;
  /** What the image says of itself. Where `runtime.app` is given, that runs, by the rules of appc. */
  says: ImageSays;
  treeId: string;
  /** The root of its tree: absolute, shared, never to be written. A tree without files is there while it is mounted. */
  rootfs: string;
  /** It is a mount, over which no overlay can be laid. */
  isMounted?: true;
}

/** The document that says how an image runs. An OCI image's annotations are those of its manifest. */
export type ImageSays =
  | { format: 'aci'; manifest: ImageManifest }
  | { format: 'oci'; config: OciConfig; annotations: Readonly<Record<string, string>> };
