/**
 * A strict push parser for tar streams of any dialect: ustar, pax, GNU and v7. It copies no content and does no I/O.
 *
 * Where lenient readers guess, this one refuses: programs that guess differently make different trees of one archive
 * that was checked. Every byte of the input is handed on exactly once, as content of a file or as *frame* (headers,
 * padding, the end). The two together give the input back.
 */
import { toText } from '../../core/bytes.js';
import { CairnError } from '../../core/errors.js';
import { type Limits, limitFlag, MAX_META_HEADERS, XATTR_OVERHEAD } from '../../core/limits.js';
import type { Xattr } from '../../core/metadata.js';
import type { TarEntry } from './entry.js';
import { ExtendedHeaders, isExtended } from './extended-headers.js';
import { BLOCK, checksumFits, isZeroBlock, type RawHeader, readHeader } from './header.js';

/** Receives an archive's parts in their order. Buffers are views into the input and valid during the call only. */
export interface TarSink {
  /** Bytes that are not content. */
  frame(bytes: Buffer): void;
  /** An entry begins; `entry.size` bytes of `content` and one `entryEnd` follow. */
  entry(entry: TarEntry): void;
  content(bytes: Buffer): void;
  entryEnd(): void;
}

export type ScanLimits = Pick<Limits, 'maxEntries' | 'maxPax' | 'maxMetadata'>;

type State = 'header' | 'meta' | 'content' | 'padding' | 'end';

export class TarScanner {
  /** Entries seen so far, meta headers not counted. */
  entries = 0;
  /** Bytes of names, link targets and extended attributes seen so far. */
  metadata = 0;
  /** Input bytes taken so far. */
  bytes = 0;
  /** Whether both zero blocks that end an archive have been seen. */
  ended = false;

  #state: State = 'header';
  #left = 0;
  #padding = 0;
  #zeroBlocks = 0;
  #held = Buffer.alloc(BLOCK);
  #heldLength = 0;
  #meta: Buffer = Buffer.alloc(0);
  #metaLength = 0;
  #metaFlag = '';
  /** Meta headers since the last entry. */
  #metaRun = 0;
  /** Whether a meta header waits for its entry. */
  #dangling = false;
  readonly #extended = new ExtendedHeaders();
  #lastName = '';
  readonly #sink: TarSink;
  readonly #limits: ScanLimits;

  constructor(sink: TarSink, limits: ScanLimits) {
    this.#sink = sink;
    this.#limits = limits;
  }

  /** @throws CairnError `ERR_BAD_ARCHIVE` or `ERR_LIMIT`, naming the entry; the scanner is of no use afterwards */
  push(chunk: Buffer): void {
    this.bytes += chunk.length;
    let at = 0;
    while (at < chunk.length) {
      switch (this.#state) {
        case 'header':
          at = this.#takeHeader(chunk, at);
          break;
        case 'meta':
          at = this.#takeMeta(chunk, at);
          break;
        case 'content':
          at = this.#takeContent(chunk, at);
          break;
        case 'padding':
          at = this.#takePadding(chunk, at);
          break;
        case 'end':
          at = this.#takeEnd(chunk, at);
          break;
      }
    }
  }

  /** The name in the last header, for errors. */
  get lastName(): string {
    return toText(this.#lastName);
  }

  /** Bytes of the present entry's content that are still to come. {@link passOver} leaves them out. */
  get pending(): number {
    return this.#state === 'content' ? this.#left : 0;
  }

  /** Goes on as if all {@link pending} content had been pushed. The sink does not get it. */
  passOver(): void {
    this.bytes += this.#left;
    this.#left = 0;
    this.#sink.entryEnd();
    this.#afterContent();
  }

  /**
   * To be called at the end of the input. A missing end marker is no error here: the caller may know the digest, and
   * asks {@link ended}.
   * @throws CairnError `ERR_BAD_ARCHIVE` when the input ends inside an entry or a block
   */
  finish(): void {
    if (this.#state === 'content' || this.#state === 'meta')
      throw this.#bad('the archive is cut off inside this entry');
    if (this.#state === 'padding' || this.#heldLength > 0 || this.bytes % BLOCK !== 0) {
      throw this.#bad('the archive is cut off after this entry');
    }
    if (this.#dangling) throw this.#bad('an extended header without an entry');
  }

  #takeHeader(chunk: Buffer, at: number): number {
    if (this.#heldLength === 0 && chunk.length - at >= BLOCK) {
      this.#block(chunk, at);
      return at + BLOCK;
    }
    const taken = Math.min(BLOCK - this.#heldLength, chunk.length - at);
    chunk.copy(this.#held, this.#heldLength, at, at + taken);
    this.#heldLength += taken;
    if (this.#heldLength === BLOCK) {
      this.#heldLength = 0;
      this.#block(this.#held, 0);
    }
    return at + taken;
  }

  #block(block: Buffer, at: number): void {
    if (block[at] === 0 && isZeroBlock(block, at)) {
      if (this.#dangling) throw this.#bad('an extended header without an entry');
      this.#sink.frame(block.subarray(at, at + BLOCK));
      this.#zeroBlocks++;
      if (this.#zeroBlocks === 2) {
        this.ended = true;
        this.#state = 'end';
      }
      return;
    }
    if (this.#zeroBlocks > 0) throw this.#bad('an entry after the end marker');
    if (!checksumFits(block, at)) throw this.#bad('bad header checksum after this entry');
    const raw = readHeader(block, at);
    this.#sink.frame(block.subarray(at, at + BLOCK));
    if (isExtended(raw.flag)) this.#beginMeta(raw);
    else this.#beginEntry(raw);
  }

  #beginMeta(raw: RawHeader): void {
    this.#lastName = raw.name;
    if (++this.#metaRun > MAX_META_HEADERS) throw this.#bad(`more than ${MAX_META_HEADERS} extended headers in a row`);
    if (raw.size > this.#limits.maxPax) {
      throw new CairnError(
        'ERR_LIMIT',
        `an extended header of ${raw.size} bytes; the limit is ${this.#limits.maxPax} (${limitFlag('maxPax')})`,
        { entry: toText(raw.name) },
      );
    }
    this.#metaFlag = raw.flag;
    this.#meta = Buffer.allocUnsafe(raw.size);
    this.#metaLength = 0;
    this.#left = raw.size;
    this.#padding = paddingOf(raw.size);
    if (raw.size === 0) this.#endMeta();
    else this.#state = 'meta';
  }

  #takeMeta(chunk: Buffer, at: number): number {
    const taken = Math.min(this.#left, chunk.length - at);
    chunk.copy(this.#meta, this.#metaLength, at, at + taken);
    this.#sink.frame(chunk.subarray(at, at + taken));
    this.#metaLength += taken;
    this.#left -= taken;
    if (this.#left === 0) this.#endMeta();
    return at + taken;
  }

  #endMeta(): void {
    this.#extended.add(this.#metaFlag, this.#meta);
    // A global header belongs to all entries that follow, and waits for none.
    if (this.#metaFlag !== 'g') this.#dangling = true;
    this.#afterContent();
  }

  #beginEntry(raw: RawHeader): void {
    this.#lastName = this.#extended.nameOf(raw);
    const entry = this.#extended.fold(raw, this.#lastName);
    this.#metaRun = 0;
    this.#dangling = false;
    if (++this.entries > this.#limits.maxEntries) {
      throw new CairnError('ERR_LIMIT', `more than ${this.#limits.maxEntries} entries (${limitFlag('maxEntries')})`, {
        entry: toText(entry.name),
      });
    }
    this.metadata += metadataOf(entry);
    if (this.metadata > this.#limits.maxMetadata) {
      const why = `more than ${this.#limits.maxMetadata} bytes of names, link targets and extended attributes`;
      throw new CairnError('ERR_LIMIT', `${why} (${limitFlag('maxMetadata')})`, { entry: toText(entry.name) });
    }
    this.#left = entry.size;
    this.#padding = paddingOf(entry.size);
    this.#sink.entry(entry);
    if (entry.size > 0) this.#state = 'content';
    else {
      this.#sink.entryEnd();
      this.#state = 'header';
    }
  }

  #takeContent(chunk: Buffer, at: number): number {
    const taken = Math.min(this.#left, chunk.length - at);
    this.#left -= taken;
    this.#sink.content(taken === chunk.length ? chunk : chunk.subarray(at, at + taken));
    if (this.#left === 0) {
      this.#sink.entryEnd();
      this.#afterContent();
    }
    return at + taken;
  }

  #afterContent(): void {
    this.#left = this.#padding;
    this.#state = this.#padding > 0 ? 'padding' : 'header';
  }

  #takePadding(chunk: Buffer, at: number): number {
    const taken = Math.min(this.#left, chunk.length - at);
    this.#sink.frame(chunk.subarray(at, at + taken));
    this.#left -= taken;
    if (this.#left === 0) this.#state = 'header';
    return at + taken;
  }

  #takeEnd(chunk: Buffer, at: number): number {
    const rest = at === 0 ? chunk : chunk.subarray(at);
    for (const byte of rest) if (byte !== 0) throw this.#bad('data after the end marker');
    this.#sink.frame(rest);
    return chunk.length;
  }

  #bad(why: string): CairnError {
    return new CairnError('ERR_BAD_ARCHIVE', why, { entry: this.lastName });
  }
}

function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function metadataOf({ name, link, xattrs }: TarEntry): number {
  const sizeOf = (each: Xattr): number => XATTR_OVERHEAD + each.name.length + each.value.length;
  return xattrs.reduce((sum, each) => sum + sizeOf(each), name.length + link.length);
}
