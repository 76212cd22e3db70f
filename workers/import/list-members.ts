/** Lists archives that hold other archives. A compressed one is unpacked once; its members are read in place then. */
import * as fs from 'node:fs';
import { CairnError } from '../../engine/core/errors.js';
import { cleanPath } from '../../engine/core/path.js';
import { openRegular } from '../../engine/disk/regular-file.js';
import { entriesOnly } from '../../engine/layer/tar/entries-only.js';
import { FirstMember } from '../../engine/layer/tar/first-member.js';
import { BLOCK } from '../../engine/layer/tar/header.js';
import { TarScanner } from '../../engine/layer/tar/scan.js';
import { checkCancelled } from '../tasks/control.js';
import type { ListMembersTask, Members, PeekTask, SourceResult, SpoolTask } from '../tasks/import.js';
import { readSource } from './input.js';
import { writeAll } from './object-file.js';

/** The cleaned name of the first member besides the root; '' if the head does not tell it. */
export async function peekMember({ head, limits, control }: PeekTask): Promise<string> {
  const first = new FirstMember(limits);
  try {
    await readSource({ source: { bytes: head }, control, limits }, (chunk) => first.push(chunk));
  } catch {
    // A head is cut off somewhere. Reading the whole archive says what is really wrong.
  }
  return first.name;
}

export async function spool(task: SpoolTask): Promise<SourceResult> {
  const fd = fs.openSync(task.to, 'wx', 0o600);
  try {
    return await readSource(task, (chunk) => writeAll(fd, chunk));
  } finally {
    fs.closeSync(fd);
  }
}

/** @throws CairnError `ERR_BAD_ARCHIVE`, also for two members of one name, since either could be meant */
export function listMembers({ path, limits, control }: ListMembersTask): Members {
  const names = new Map<string, { link: string; offset: number; size: number }>();
  const { fd, size } = openRegular(path);
  const cutOff = (): CairnError =>
    new CairnError('ERR_BAD_ARCHIVE', 'the archive is cut off', { entry: scanner.lastName });
  const sink = entriesOnly((entry) => {
    if (entry.type === 'dir') return;
    const name = cleanPath(entry.name, limits);
    if (names.has(name)) throw new CairnError('ERR_BAD_ARCHIVE', 'a duplicate entry', { entry: name });
    if (entry.sparse !== undefined)
      throw new CairnError('ERR_UNSUPPORTED', 'a sparse file that an image is to be read from', { entry: name });
    // `tar` of an unpacked archive makes hard links of equal layers.
    const linked = entry.type === 'hardlink' ? names.get(cleanPath(entry.link, limits)) : undefined;
    const offset = entry.type === 'file' ? scanner.bytes : -1;
    names.set(name, linked ?? { link: entry.link, offset, size: entry.size });
  });
  const scanner = new TarScanner(sink, limits);
  try {
    const block = Buffer.alloc(BLOCK);
    while (!scanner.ended) {
      checkCancelled(control);
      // After contents that were passed over, the rest of their last block comes first.
      const wanted = BLOCK - (scanner.bytes % BLOCK);
      if (scanner.bytes + wanted > size || fs.readSync(fd, block, 0, wanted, scanner.bytes) < wanted) break;
      scanner.push(block.subarray(0, wanted));
      // Checked before contents are passed over: sums of sizes near 2^53 are not exact.
      if (scanner.pending > size - scanner.bytes) throw cutOff();
      if (scanner.pending > 0) scanner.passOver();
    }
    scanner.finish();
    const entry = scanner.lastName;
    if (!scanner.ended) {
      throw new CairnError('ERR_BAD_ARCHIVE', 'the archive has no end marker; it may be cut off', { entry });
    }
    if (scanner.bytes > size) throw cutOff();
  } finally {
    fs.closeSync(fd);
  }
  const all = [...names.values()];
  return {
    names: [...names.keys()].join('\0'),
    links: all.map(({ link }) => link).join('\0'),
    offsets: Float64Array.from(all, ({ offset }) => offset),
    sizes: Float64Array.from(all, ({ size }) => size),
  };
}
