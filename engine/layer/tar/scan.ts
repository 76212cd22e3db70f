/**
 * A strict push parser for tar streams of any dialect: ustar, pax, GNU and v7. It copies no content and does no I/O.
 *
 * Where lenient readers guess, this one refuses: programs that guess differently make different trees of one archive
 * that was checked. Every byte of the input is handed on exactly once, as content of a file or as *frame* (headers,
 * padding, the end). The two together give the input back.
 */
import { toText } from '../../core/bytes.js';
import { CairnError, isCairnError } from '../../core/errors.js';
import { type Limits, limitFlag, MAX_META_HEADERS } from '../../core/limits.js';
import type { TarEntry } from './entry.js';
import { ExtendedHeaders, isExtended } from './extended-headers.js';
import { BLOCK, checksumFits, isZeroBlock, type RawHeader, readHeader } from './header.js';
import { checkMap, GnuMap, type MapReader, SparseContent, type SparseSink } from './sparse.js';
import { Volume, type VolumeLimits } from './volume.js';
import { WholeBlocks } from './whole-blocks.js';

/** Receives an archive's parts in their order. Buffers are views into the input and valid during the call only. */
export interface TarSink extends SparseSink {
  /** Bytes that are not content. */
  frame(bytes: Buffer): void;
  /** An entry begins; `entry.size` bytes as `content` and `hole` and one `entryEnd` follow. */
  entry(entry: TarEntry): void;
  content(bytes: Buffer): void;
  /** So many zeros, which the archive does not hold. */
  hole(length: number): void;
  entryEnd(): void;
}

export type ScanLimits = Pick<Limits, 'maxPax'> & VolumeLimits;

type State = 'header' | 'meta' | 'map' | 'content' | 'padding' | 'end';

export class TarScanner {
  /** Input bytes taken so far. */
  bytes = 0;
  /** Whether both zero blocks that end an archive have been seen. */
  ended = false;
  /** Bytes after the end marker that are not zero. Only an archive that is vouched for may have any. */
  trailing = 0;

  #state: State = 'header';
  #left = 0;
  #padding = 0;
  #zeroBlocks = 0;
  readonly #blocks = new WholeBlocks();
  #meta: Buffer = Buffer.alloc(0);
  #metaLength = 0;
  #metaFlag = '';
  /** Meta headers since the last entry. */
  #metaRun = 0;
  /** Whether a meta header waits for its entry. */
  #dangling = false;
  readonly #extended = new ExtendedHeaders();
  #lastName = '';
  /** An entry whose map has not been read to its end. */
  #unmapped: { entry: TarEntry; map: MapReader } | undefined;
  /** Takes the content of a sparse file. */
  #sparse: SparseContent | undefined;
  readonly #volume: Volume;
  readonly #sink: TarSink;
  readonly #limits: ScanLimits;
  readonly #vouched: boolean;

  /**
   * @param vouched a digest proves that the input is what its maker meant it to be, so that it may end without its end
   *   marker or padding, or go on after its end
   */
  constructor(sink: TarSink, limits: ScanLimits, vouched = false) {
    this.#sink = sink;
    this.#limits = limits;
    this.#vouched = vouched;
    this.#volume = new Volume(limits);
  }

  /** Entries seen so far, meta headers not counted. */
  get entries(): number {
    return this.#volume.entries;
  }

  /** @throws CairnError `ERR_BAD_ARCHIVE` or `ERR_LIMIT`, naming the entry; the scanner is of no use afterwards */
  push(chunk: Buffer): void {
    this.bytes += chunk.length;
    let at = 0;
    while (at < chunk.length) {
      switch (this.#state) {
        case 'header':
          at = this.#blocks.take(chunk, at, this.#headerBlock);
          break;
        case 'meta':
          at = this.#takeMeta(chunk, at);
          break;
        case 'map':
          at = this.#blocks.take(chunk, at, this.#mapBlock);
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
    this.#sparse = undefined;
    this.#endEntry();
  }

  /**
   * To be called at the end of the input. A missing end marker is no error here: the caller may know the digest, and
   * asks {@link ended}.
   * @throws CairnError `ERR_BAD_ARCHIVE` when the input ends inside an entry or a block
   */
  finish(): void {
    if (this.#state === 'content' || this.#state === 'meta' || this.#state === 'map')
      throw this.#bad('the archive is cut off inside this entry');
    const { rest } = this.#blocks;
    const ended = this.bytes % BLOCK === 0 || (this.#vouched && rest.every((byte) => byte === 0));
    if (!ended) throw this.#bad('the archive is cut off after this entry');
    if (rest.length > 0) this.#sink.frame(rest);
    if (this.#dangling) throw this.#bad('an extended header without an entry');
  }

  readonly #headerBlock = (block: Buffer, at: number): void => {
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
    if (!checksumFits(block, at))
      throw this.#bad(
        this.lastName === '' ? 'no tar: it begins with no header' : 'bad header checksum after this entry',
      );
    const raw = readHeader(block, at);
    this.#sink.frame(block.subarray(at, at + BLOCK));
    if (isExtended(raw.flag)) this.#beginMeta(raw);
    else this.#beginEntry(raw, raw.flag === 'S' ? new GnuMap(block, at) : undefined);
  };

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

  #beginEntry(raw: RawHeader, gnuMap: GnuMap | undefined): void {
    this.#lastName = this.#extended.nameOf(raw);
    const { entry, map } = this.#named(() => this.#extended.fold(raw, this.#lastName, gnuMap));
    this.#metaRun = 0;
    this.#dangling = false;
    this.#left = entry.stored;
    this.#padding = paddingOf(entry.stored);
    if (map === undefined) this.#openEntry(entry);
    else this.#readMap(entry, map);
  }

  readonly #mapBlock = (block: Buffer, at: number): void => {
    const { entry, map } = this.#unmapped as { entry: TarEntry; map: MapReader };
    if (map.inContent) {
      if (this.#left < BLOCK) throw this.#bad('bad sparse file: its map is longer than its content');
      this.#left -= BLOCK;
    }
    this.#sink.frame(block.subarray(at, at + BLOCK));
    this.#named(() => map.take(block, at));
    this.#readMap(entry, map);
  };

  #readMap(entry: TarEntry, map: MapReader): void {
    if (map.more) {
      this.#unmapped = { entry, map };
      this.#state = 'map';
      return;
    }
    this.#unmapped = undefined;
    this.#named(() => checkMap(map.parts, entry.size, this.#left));
    this.#sparse = new SparseContent(map.parts, entry.size, this.#sink);
    this.#openEntry({ ...entry, stored: this.#left, sparse: map.parts });
  }

  #openEntry(entry: TarEntry): void {
    this.#volume.add(entry, this.bytes);
    this.#sink.entry(entry);
    if (this.#left > 0) this.#state = 'content';
    else this.#endEntry();
  }

  #takeContent(chunk: Buffer, at: number): number {
    const taken = Math.min(this.#left, chunk.length - at);
    const bytes = taken === chunk.length ? chunk : chunk.subarray(at, at + taken);
    this.#left -= taken;
    if (this.#sparse === undefined) this.#sink.content(bytes);
    else this.#sparse.push(bytes);
    if (this.#left === 0) this.#endEntry();
    return at + taken;
  }

  #endEntry(): void {
    this.#sparse?.end();
    this.#sparse = undefined;
    this.#sink.entryEnd();
    this.#afterContent();
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
    for (const byte of rest) if (byte !== 0) this.trailing++;
    if (this.trailing > 0 && !this.#vouched) throw this.#bad('data after the end marker');
    this.#sink.frame(rest);
    return chunk.length;
  }

  /** Runs work whose errors may not name the entry. */
  #named<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!isCairnError(error) || error.entry !== undefined) throw error;
      throw new CairnError(error.code, error.message, { entry: this.lastName });
    }
  }

  #bad(why: string): CairnError {
    return new CairnError('ERR_BAD_ARCHIVE', why, { entry: this.lastName });
  }
}

function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}
