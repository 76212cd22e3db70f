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
  /** For a home of packs: their directory, and the index that says what lies where. */
  packs?: { dir: string; index: string };
}

/** Where a content begins in a pack. */
export interface PackAddress {
  pack: number;
  offset: number;
}

/** Where a mounted tree finds an object's bytes: in a file that may hold others, too, or in a file of their own. */
export type ObjectAddress =
  | {
      /** The path of the file, and where in it they begin, in bytes. */
      device: string;
      offset: number;
    }
  | {
      /** A directory of objects, and the path of the file in it, which begins with a slash. */
      layer: string;
      path: string;
    };

/** One file of an object: the first, or a further copy. */
export interface ObjectFile {
  name: string;
  /** 0 for the first file. */
  copy: number;
}

/** What an index says of an object. */
export interface StoredObject {
  size: number;
  /** `undefined` for an object that is a file of its own. */
  at: PackAddress | undefined;
  /** A check found it damaged or missing. */
  isGone: boolean;
}

/** Where objects lie, as the index says. What a home of packs asks of the index, in whatever thread. */
export interface AddressBook {
  /** @returns `undefined` for an object that the index does not list */
  find(name: string): StoredObject | undefined;
  /**
   * Lets `find` know of all commits up to now. Absent where an operation looks up that keeps objects from moving, as
   * those of threads do.
   */
  refresh?(): void;
}
