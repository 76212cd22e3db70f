/** What a build notes of itself: its format, what it began with, and what could not be made of that. */

import type { ImageFormat } from '../../workers/tasks/import.js';
import { CairnError, isCairnError } from '../core/errors.js';
import { isKey, isTreeId, type Key } from '../core/key.js';
import { MAX_BUILD_STATE } from '../core/limits.js';
import type { SkippedKind } from '../core/metadata.js';
import { writeFileDurably } from '../disk/durable.js';
import { readSmallFile } from '../disk/small-file.js';
import { parseJson } from '../image/json.js';
import { JsonField } from '../image/json-field.js';
import type { BuildPlace } from './place.js';

/** Raised with every change of what a build notes. */
const VERSION = 1;

/** The image of the same format that a layer can be put on. */
export interface BuildBase {
  key: Key;
  /** Of the working tree as the build began. */
  hash: Key;
  /** The id of an ACI's tree, where the build began with all of that and no dependencies. */
  treeId?: string;
}

export interface BuildState {
  format: ImageFormat;
  base?: BuildBase;
  /** Owners that files had to be given, since no others could be: those of whoever began the build. */
  ownedBy?: { uid: number; gid: number };
  /** Metadata that could not be set, and is not missed for that. */
  skipped: SkippedKind[];
  /** Keep acbuild's annotations of what was done. */
  history: boolean;
}

export function encodeState({ format, base, ownedBy, skipped, history }: BuildState): string {
  return `${JSON.stringify({ version: VERSION, format, base, ownedBy, skipped, history }, undefined, 1)}\n`;
}

/** @throws CairnError `ERR_BAD_BUILD` */
export function readState(place: BuildPlace): BuildState {
  const bytes = readNote(place.state, MAX_BUILD_STATE);
  try {
    return parseState(bytes);
  } catch (error) {
    if (!isCairnError(error)) throw error;
    throw brokenBuild(place.state, error.message, error);
  }
}

/** A file that every build has. @throws CairnError `ERR_BAD_BUILD` */
export function readNote(path: string, most: number): Buffer {
  try {
    const bytes = readSmallFile(path, most, true);
    if (bytes !== undefined) return bytes;
  } catch (error) {
    if (!isCairnError(error, 'ERR_CONFIG', 'ERR_LIMIT') && !(isCairnError(error) && error.errno === 'ELOOP'))
      throw error;
    throw brokenBuild(path, error.message, error);
  }
  throw brokenBuild(path, 'it is missing');
}

export function writeState(place: BuildPlace, state: BuildState): void {
  writeFileDurably(place.state, encodeState(state));
}

export function brokenBuild(path: string, why: string, cause?: unknown): CairnError {
  return new CairnError('ERR_BAD_BUILD', `${path}: ${why}`, { path, cause });
}

function parseState(bytes: Buffer): BuildState {
  const root = new JsonField('state.json', parseJson(bytes, 'state.json', { maxManifest: MAX_BUILD_STATE }));
  const version = root.exactField('version').integer(0, Number.MAX_SAFE_INTEGER);
  if (version !== VERSION) throw root.fault(`of version ${version}; this cairn knows ${VERSION}`);
  const format = root.exactField('format').text();
  if (format !== 'aci' && format !== 'oci') throw root.exactField('format').fault('must be aci or oci');
  const base = root.exactField('base');
  const ownedBy = root.exactField('ownedBy');
  return {
    format,
    ...(base.absent ? {} : { base: parseBase(base) }),
    ...(ownedBy.absent ? {} : { ownedBy: { uid: idIn(ownedBy, 'uid'), gid: idIn(ownedBy, 'gid') } }),
    skipped: root.exactField('skipped').texts() as SkippedKind[],
    history: root.exactField('history').flag(),
  };
}

function parseBase(base: JsonField): BuildBase {
  const treeId = base.exactField('treeId');
  if (!treeId.absent && !isTreeId(treeId.text())) throw treeId.fault('must be the id of a tree');
  return { key: keyIn(base, 'key'), hash: keyIn(base, 'hash'), ...(treeId.absent ? {} : { treeId: treeId.text() }) };
}

function keyIn(base: JsonField, name: string): Key {
  const key = base.exactField(name).text();
  if (!isKey(key)) throw base.exactField(name).fault('must be a key');
  return key;
}

function idIn(owner: JsonField, name: string): number {
  return owner.exactField(name).integer(0, 0xffff_ffff);
}
