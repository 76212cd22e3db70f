/** Lists archives that hold other archives. A compressed one is unpacked once; its members are read in place then. */
import * as fs from 'node:fs';
import { CairnError } from '../../engine/core/errors.js';
import { cleanPath } from '../../engine/core/path.js';
import { openRegular } from '../../engine/disk/regular-file.js';
import { writeAll } from '../../engine/disk/write-all.js';
import { entriesOnly } from '../../engine/layer/tar/entries-only.js';
import { FirstMember } from '../../engine/layer/tar/first-member.js';
import { BLOCK } from '../../engine/layer/tar/header.js';
import { TarScanner } from '../../engine/layer/tar/scan.js';
import { checkCancelled } from '../tasks/control.js';
import type { ListMembersTask, Members, PeekTask, SourceResult, SpoolTask, TarDigests } from '../tasks/import.js';
import { readSource } from './input.js';
import { TarDigest } from './tar-digest.js';

/** The cleaned name of the first member besides the root; '' if the head does not tell it. */
export async function peekMember({ head, limits, control }: PeekTask): Promise<string> {
  const first = new FirstMember(limits);
  try {
    const source = { bytes: head };
    await readSource({ source, control, limits }, { take: (chunk) => first.push(chunk) });
  } catch {
    // A head is cut off somewhere. Reading the whole archive says what is really wrong.
  }
  return first.name;
}

export async function spool(task: SpoolTask): Promise<SourceResult & TarDigests> {
  const fd = fs.openSync(task.to, 'wx', 0o600);
  const digest = new TarDigest(task);
  const take = (chunk: Buffer): void => {
    writeAll(fd, chunk);
    digest.update(chunk);
  };
  try {
    return { ...(await readSource(task, { take })), ...digest.finish() };
  } finally {
    fs.closeSync(fd);
  }
}

interface Member {
  link: string;
  /** -1 for what is no file. */
  offset: number;
  size: number;
}

/**
 * @throws CairnError `ERR_BAD_ARCHIVE`, also for two members of one name that differ, since either could be meant. Some
 *   builders write a member again for each of its names.
 */
export function listMembers({ path, limits, control }: ListMembersTask): Members {
  const names = new Map<string, Member>();
  const { fd, size } = openRegular(path);
  const cutOff = (): CairnError =>
    new CairnError('ERR_BAD_ARCHIVE', 'the archive is cut off', { entry: scanner.lastName });
  const sink = entriesOnly((entry) => {
    if (entry.type === 'dir') return;
    const name = cleanPath(entry.name, limits);
    if (entry.sparse !== undefined)
      throw new CairnError('ERR_UNSUPPORTED', 'a sparse file that an image is to be read from', { entry: name });
    // `tar` of an unpacked archive makes hard links of equal layers.
    const linked = entry.type === 'hardlink' ? names.get(cleanPath(entry.link, limits)) : undefined;
    const offset = entry.type === 'file' ? scanner.bytes : -1;
    const member = linked ?? { link: entry.link, offset, size: entry.size };
    const before = names.get(name);
    if (before !== undefined && !isSame(fd, before, member)) {
      throw new CairnError('ERR_BAD_ARCHIVE', 'a duplicate entry', { entry: name });
    }
    names.set(name, member);
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

const COMPARED = 2 ** 20;

/** Whether two members are of one kind and have the same bytes. */
function isSame(fd: number, a: Member, b: Member): boolean {
  if (a.offset < 0 || b.offset < 0) return a.offset === b.offset && a.link === b.link;
  if (a.size !== b.size) return false;
  const [one, other] = [Buffer.alloc(COMPARED), Buffer.alloc(COMPARED)];
  for (let at = 0; at < a.size; at += COMPARED) {
    const length = Math.min(COMPARED, a.size - at);
    const read = [fs.readSync(fd, one, 0, length, a.offset + at), fs.readSync(fd, other, 0, length, b.offset + at)];
    if (read.some((each) => each < length) || one.compare(other, 0, length, 0, length) !== 0) return false;
  }
  return true;
}
