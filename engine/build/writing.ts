/** What is asked of a write, what an image is made of, and what is told of it. */
import type { Writable } from 'node:stream';
import type { OutputCompression } from '../../workers/tasks/export.js';
import type { ImageFormat } from '../../workers/tasks/import.js';
import type { Key } from '../core/key.js';
import type { OperationOptions } from '../core/operation.js';
import type { Imported, ImportRequest, OpenableSource } from '../import/index.js';
import type { StoreContext } from '../session/context.js';
import type { BuildPlace } from './place.js';
import type { BuildState } from './state.js';

export interface WriteOptions extends OperationOptions {
  /** A path or a stream, which gets an archive, or a path that gets a layout. Without it the store gets the image. */
  file?: string | Writable;
  /** `NAME[:VERSION]`. An ACI has the name of its manifest by default. */
  name?: string;
  /**
   * `layer`: what has changed, on top of the base. `squash`: one layer with all there is, the dependencies too. By
   * default an OCI image that began with one gets a layer, and an ACI has all of its own files and the dependencies
   * that its manifest names.
   */
  as?: 'layer' | 'squash';
  format?: ImageFormat;
  /** Hash every file, whatever its inode says. */
  thorough?: boolean;
  compress?: OutputCompression;
  /** Replace a file that is there. */
  force?: boolean;
  /** Mark as the latest of its name. */
  latest?: boolean;
  /** What an OCI image's history says of this step. */
  createdBy?: string;
  comment?: string;
  /** No time is later than this: seconds since 1970, by default `SOURCE_DATE_EPOCH` of the environment. */
  sourceDate?: number;
}

export interface Written {
  key: Key;
  name: string;
  labels: Record<string, string>;
  format: ImageFormat;
  /** Bytes of the image's layers, or of the file. */
  size: number;
  /** OCI: the digest of the manifest. */
  digest?: string;
  objects: Imported['objects'];
  /** The image was in the store before. */
  existed: boolean;
  file?: string;
  /** Paths that are in the layer, and that it takes away. */
  changed: number;
  removed: number;
  /** Sockets, which no image can have. */
  skipped: string[];
  ms: number;
}

/** What an image is made of. */
export interface Writing {
  store: StoreContext;
  /** The directory, and the tree in it. */
  place: Pick<BuildPlace, 'dir' | 'rootfs'>;
  state: BuildState;
  options: WriteOptions & { sourceDate?: number };
  importSource: (source: OpenableSource, request: ImportRequest) => Promise<Imported>;
}

/** What a write tells, but for what is known around it. */
export type WrittenImage = Omit<Written, 'ms' | 'skipped'>;

/** What the store told of an image that comes in no store. */
export const NO_OBJECTS: Imported['objects'] = { new: 0, newBytes: 0, shared: 0, sharedBytes: 0 };

/** The parts of a write that an import hears of, too. */
export function importRequest({ options }: Writing): ImportRequest {
  const { signal, onProgress, latest } = options;
  return {
    fromTree: true,
    ...(signal === undefined ? {} : { signal }),
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(latest === undefined ? {} : { latest }),
  };
}
