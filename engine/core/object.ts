/** Types for modules that deal with objects without knowing where objects lie. */
import type { Metadata } from './metadata.js';

/** A regular file whose content is an object. */
export interface FileContent extends Metadata {
  /** sha512 of the content, 128 hex digits. */
  key: string;
}

/** The place of a store's objects, in the form that crosses to a worker: the kind of home, and its directory. */
export interface ObjectsAt {
  kind: string;
  dir: string;
}

/** One file of an object: the first, or a further copy. */
export interface ObjectFile {
  name: string;
  /** 0 for the first file. */
  copy: number;
}
