/** Moves objects from one kind of home to another: to a pack, or to files. Their hashes are checked on the way. */
import * as fs from 'node:fs';
import { CairnError } from '../../engine/core/errors.js';
import { keyOfHex } from '../../engine/core/key.js';
import type { SkippedKind } from '../../engine/core/metadata.js';
import { WHO_NEEDS_IT } from '../../engine/disk/file-bytes.js';
import { finishFile } from '../../engine/disk/set-metadata.js';
import { writeAll } from '../../engine/disk/write-all.js';
import type { ObjectHome } from '../../engine/objects/home.js';
import { homeAt } from '../../engine/objects/homes.js';
import { packedName } from '../../engine/objects/pack/name.js';
import { checkCancelled, countBytes, countItems } from '../tasks/control.js';
import type { AppendObjectsTask, PackedLayer, UnpackedFile, UnpackObjectsTask } from '../tasks/import.js';
import { PackOutput } from './pack-file.js';
import { PackWriter } from './pack-writer.js';

const HASH_DIGITS = 128;

/** @throws CairnError `ERR_DAMAGED` for an object that is missing or not what its name says */
export function appendObjects({ control, from, names, sizes, lane, scratch }: AppendObjectsTask): PackedLayer {
  const home = homeAt(from);
  const files = { staging: home.stagingIn(scratch, 'flat'), scratch };
  const writer = new PackWriter({ output: new PackOutput(lane), lane, files });
  try {
    names.forEach((name, i) => {
      checkCancelled(control);
      const size = sizes[i] as number;
      const content = writer.begin({ size });
      for (const chunk of home.open(name, { size })) {
        content.write(chunk);
        countBytes(control, chunk.length);
      }
      mustBe(name, content.finish());
      content.keep(packedName(name.slice(0, HASH_DIGITS)));
      countItems(control, 1);
    });
    writer.finish();
    return writer.result;
  } finally {
    writer.close();
  }
}

/** Of the bytes as they were written, so nothing is hashed twice. @throws CairnError `ERR_DAMAGED` */
function mustBe(name: string, found: string): void {
  const sha512 = name.slice(0, HASH_DIGITS);
  if (found === sha512) return;
  const details = { entry: name, expected: keyOfHex(sha512), found: keyOfHex(found) };
  throw new CairnError('ERR_DAMAGED', `an object does not have its hash; ${WHO_NEEDS_IT}`, details);
}

/**
 * @returns object name → metadata that could not be set
 * @throws CairnError `ERR_DAMAGED` for an object that is missing or not what its name says
 */
export function unpackObjects(task: UnpackObjectsTask): Record<string, SkippedKind[]> {
  const { control, from, to, files, staging, identity } = task;
  const packs = homeAt(from);
  const loose = homeAt(to);
  const staged = loose.stagingIn(staging, 'sharded');
  const skipped: Record<string, SkippedKind[]> = {};
  for (const each of files) {
    checkCancelled(control);
    const { file } = each;
    const name = loose.nameOf(file);
    const path = staged.pathFor(name);
    const fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL, 0o600);
    try {
      copyOut(packs, each, fd);
      fs.fchmodSync(fd, file.mode & 0o777);
      const lacks = finishFile(fd, path, file, identity);
      if (lacks.length > 0) skipped[name] = lacks;
    } finally {
      fs.closeSync(fd);
    }
    countItems(control, 1);
  }
  return skipped;
}

/** File systems keep holes in blocks of this size, or of a part of it. */
const HOLE = 64 * 1024;
const ZEROS = Buffer.alloc(HOLE);

/** Writes a content to a new file. The bytes that are hashed are those that are written. */
function copyOut(home: ObjectHome, { file, size, hasHoles }: UnpackedFile, fd: number): void {
  let end = 0;
  for (const chunk of home.open(home.nameOf(file), { size, sha512: file.key })) {
    if (hasHoles) writeAroundHoles(fd, chunk, end);
    else writeAll(fd, chunk, end);
    end += chunk.length;
  }
  if (hasHoles) fs.ftruncateSync(fd, size);
}

function writeAroundHoles(fd: number, chunk: Buffer, at: number): void {
  for (let from = 0; from < chunk.length; from += HOLE) {
    const part = chunk.subarray(from, from + HOLE);
    if (!part.equals(ZEROS.subarray(0, part.length))) writeAll(fd, part, at + from);
  }
}
