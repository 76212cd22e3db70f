/**
 * Where the contents of files lie. An image names them in one of three ways:
 * - a place in another *device*, from which the kernel reads;
 * - a file in a *layer*, a directory of objects. EROFS reads only whole blocks of a device, which most files are not.
 *   So the image is not mounted by itself, but as the lower layer of an overlay that takes contents from such
 *   directories: two extended attributes, which nobody sees in the overlay, tell it of which file;
 * - a place *inside* the image, behind everything else.
 */
import { toText } from '../core/bytes.js';
import { CairnError } from '../core/errors.js';
import type { ObjectAddress } from '../core/object.js';
import { NO_BLOCK } from './format.js';
import type { ImageEntry } from './nodes.js';

export type Content =
  | {
      kind: 'device';
      /** From 1 on. */
      device: number;
      /** In blocks. */
      block: number;
    }
  | { kind: 'layer'; path: string }
  | {
      kind: 'inside';
      /** In blocks, from the end of the metadata on. */
      block: number;
    };

/** Device numbers have sixteen bits, and 0 is the image itself. */
const LAST_DEVICE = 0xffff;

/** @param index of the entry in the list of all */
export type AddressOf = (entry: ImageEntry, index: number) => ObjectAddress;

export class Contents {
  /** Files that are devices, and how many blocks of each are used. */
  readonly devices: string[] = [];
  readonly deviceBlocks: number[] = [];
  /** Directories that contents come from. */
  readonly layers: string[] = [];
  /** Files whose contents lie inside, in their order, and the blocks that they take. */
  readonly inside: ImageEntry[] = [];
  insideBlocks = 0;
  readonly #block: number;
  readonly #addressOf: AddressOf | 'inside';
  readonly #numbers = new Map<string, number>();
  /** Key → block of contents inside: equal contents have one place. */
  readonly #blocks = new Map<string, number>();

  constructor(block: number, addressOf: AddressOf | 'inside') {
    this.#block = block;
    this.#addressOf = addressOf;
  }

  /** The content of a file that is not empty. @throws CairnError `ERR_UNSUPPORTED` for a place that has no number */
  of(entry: ImageEntry, index: number): Content {
    if (this.#addressOf === 'inside') return { kind: 'inside', block: this.#blockInside(entry) };
    const address = this.#addressOf(entry, index);
    if ('device' in address) return this.#inDevice(entry, address.device, address.offset);
    if (!this.layers.includes(address.layer)) this.layers.push(address.layer);
    return { kind: 'layer', path: address.path };
  }

  #blockInside(entry: ImageEntry): number {
    const known = this.#blocks.get(entry.key);
    if (known !== undefined) return known;
    const block = this.insideBlocks;
    this.#blocks.set(entry.key, block);
    this.inside.push(entry);
    this.insideBlocks += Math.ceil(entry.size / this.#block);
    return block;
  }

  #inDevice(entry: ImageEntry, path: string, offset: number): Content {
    const device = this.#numberOf(path);
    const block = offset / this.#block;
    const end = block + Math.ceil(entry.size / this.#block);
    if (!Number.isInteger(block)) throw new Error(`${path}: an object at ${offset}, within a block`);
    if (end >= NO_BLOCK) throw beyond(entry);
    this.deviceBlocks[device - 1] = Math.max(this.deviceBlocks[device - 1] ?? 0, end);
    return { kind: 'device', device, block };
  }

  #numberOf(device: string): number {
    const known = this.#numbers.get(device);
    if (known !== undefined) return known;
    const number = this.devices.push(device);
    if (number > LAST_DEVICE) throw tooManyDevices();
    this.#numbers.set(device, number);
    return number;
  }
}

function beyond({ path }: ImageEntry): CairnError {
  const entry = toText(path);
  const why = `the content of ${entry} lies beyond the last block that an EROFS image can name`;
  return new CairnError('ERR_UNSUPPORTED', why, { entry });
}

function tooManyDevices(): CairnError {
  const why = `a tree with its contents in more than ${LAST_DEVICE} devices: an EROFS image can name no more`;
  return new CairnError('ERR_UNSUPPORTED', why);
}
