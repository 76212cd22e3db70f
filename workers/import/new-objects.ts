/** Where the new objects of a layer go. The writer decides which objects are new; a place keeps them. */
import type { SkippedKind } from '../../engine/core/metadata.js';
import type { TocEntry } from '../../engine/layer/toc.js';

export interface NewObjects {
  /** Names of those that became files. */
  readonly files: readonly string[];
  /** Objects go to a pack, and the place itself says which and where. */
  readonly isPacked: boolean;
  /** Where in the pack the object begins that was added or kept last, in sectors; 0 for one that is a file. */
  readonly lastSector: number;
  /** Takes a new object whole. @returns metadata that could not be set */
  add(name: string, bytes: Buffer, entry: TocEntry): SkippedKind[];
  /** Takes the content of a file that is too large to hold in memory, or has holes, piece by piece. */
  begin(entry: TocEntry): LargeContent;
  /** To be called after the last object. */
  finish(): void;
  /** To be called last of all, also when the layer is given up half-way. */
  close(): void;
}

/** A content whose hash is not known before its end. */
export interface LargeContent {
  /** As in {@link NewObjects}, of this content. */
  readonly isPacked: boolean;
  write(bytes: Buffer): void;
  /** Zeros that take no room where that is possible. */
  skip(length: number): void;
  /** Ends the content. @returns its sha512 in hex */
  finish(): string;
  /** Keeps the finished content as an object. @returns metadata that could not be set */
  keep(name: string): SkippedKind[];
  /** Gives up the finished content. The layer goes on. */
  drop(): void;
  /** Gives up the content, finished or not, and the layer with it. */
  close(): void;
}
