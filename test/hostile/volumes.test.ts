/** Archives that ask for too much: bombs, floods of entries, huge documents. */
import { gzipSync } from 'node:zlib';
import { manifest, tar } from '../fixtures/archive.js';
import { bad, FORMS, hostile, limited } from '../fixtures/hostile.js';

const EMPTY_MEMBERS = Buffer.alloc(20e6, gzipSync(''));

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

hostile('volumes that are refused', [
  [
    'a manifest over 4 MiB',
    tar([{ name: 'manifest', content: Buffer.alloc(4 * 2 ** 20 + 1, ' ') }]),
    bad(/--max-manifest/, 'manifest'),
  ],
  [
    'a manifest that only claims to be large',
    tar([{ name: 'manifest', size: 2 ** 33 }]),
    bad(/--max-manifest/, 'manifest'),
  ],
  [
    'JSON nested deeper than 64',
    tar([{ name: 'manifest', content: `{"x":${nested(65)}}` }]),
    bad(/nested deeper/, 'manifest'),
  ],
  [
    'JSON nested so deep that a parser would overflow',
    tar([{ name: 'manifest', content: nested(2 ** 20) }]),
    bad(/nested deeper/, 'manifest'),
  ],
  [
    'a manifest with "__proto__"',
    tar([{ name: 'manifest', content: manifest({ name: 'a' }).replace('{', '{"__proto__":{"name":"b"},') }]),
    bad(/__proto__/, 'manifest'),
  ],
]);

for (const form of FORMS) {
  const image = form.below({ name: 'a' });
  const packed = gzipSync(image);
  hostile(
    `streams that are refused ${form.name}`,
    [
      ['zstd that unpacks to over 1000 times its size', bomb(image, 320), limited(/--max-ratio/)],
      ['gzip cut short', packed.subarray(0, -9), { code: 'ERR_BAD_COMPRESSION', why: /truncated/ }],
      ['gzip of another checksum', broken(packed, 8), { code: 'ERR_BAD_COMPRESSION', why: /gzip/ }],
      [
        'gzip with garbage after it',
        Buffer.concat([packed, Buffer.from('garbage'.repeat(9))]),
        { code: 'ERR_BAD_COMPRESSION', why: /gzip/ },
      ],
      ['a million empty gzip members and nothing else', EMPTY_MEMBERS, limited(/--max-overhead/)],
      [
        'a million empty gzip members after an image',
        Buffer.concat([packed, EMPTY_MEMBERS]),
        limited(/--max-overhead/),
      ],
      [
        'a million empty gzip members inside an image',
        Buffer.concat([gzipSync(image.subarray(0, 600)), EMPTY_MEMBERS, gzipSync(image.subarray(600))]),
        limited(/--max-overhead/),
      ],
      ['gzip within gzip', gzipSync(packed), { code: 'ERR_BAD_ARCHIVE', why: /no tar|cut off/ }],
    ],
    { form },
  );
}

/** A copy with one bit flipped, at a distance from the end. */
function broken(bytes: Buffer, fromEnd: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[bytes.length - fromEnd] = (copy[bytes.length - fromEnd] as number) ^ 1;
  return copy;
}

/**
 * An archive and zeros behind it as a zstd frame (RFC 8878): the archive as it is, then four bytes for 128 KiB each.
 * Deflate packs no tighter than 1030:1, and the limit of the ratio does not count the first 256 MiB.
 */
function bomb(image: Buffer, mib: number): Buffer {
  const block = (type: number, size: number, last = 0): Buffer => {
    const head = Buffer.alloc(3);
    head.writeUIntLE((size << 3) | (type << 1) | last, 0, 3);
    return head;
  };
  const zeros = Buffer.concat([block(1, 2 ** 17), Buffer.alloc(1)]);
  const frame = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38]), block(0, image.length), image];
  return Buffer.concat([...frame, ...Array<Buffer>(8 * mib).fill(zeros), block(0, 0, 1)]);
}
