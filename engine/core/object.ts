/** What is said of objects by those who do not know where objects lie. */
import type { Metadata } from './metadata.js';

/** A regular file whose content is an object. */
export interface FileContent extends Metadata {
  /** sha512 of the content, 128 hex digits. */
  key: string;
}

/** Where the objects of a store lie, as it crosses to a worker: the kind of home, and its directory. */
export interface ObjectsAt {
  kind: string;
  dir: string;
}

/** One file of an object: its first, or a further copy. */
export interface ObjectFile {
  name: string;
  /** 0 for the first. */
  copy: number;
}
