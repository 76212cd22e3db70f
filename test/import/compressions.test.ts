/** Every compression of sources, through the real program. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import * as fs from 'node:fs';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { decompressed, inflatedByPieces } from '../../workers/compression/decompress.js';
import { canInflateInPlace, inflatedInto } from '../../workers/compression/inflate.js';
import { withSmallDictionaries } from '../../workers/compression/xz-dictionary.js';
import { aci } from '../fixtures/archive.js';
import { TestStore } from '../fixtures/store.js';

const IMAGE = aci({ name: 'example.com/app' }, [
  { name: 'etc', flag: '5', mode: 0o750, mtime: 1_700_000_000 },
  { name: 'etc/text', content: 'all work and no play makes a dull boy\n'.repeat(5000), mode: 0o640 },
  { name: 'noise', content: Buffer.from(Array.from({ length: 40_000 }, (_, i) => (i * i * 31 + (i >> 3)) & 0xff)) },
]);
/** Expands far beyond the limit: a file of nothing but zeros, which are packed once. */
const ZEROS = Buffer.alloc(16 * 2 ** 20);
const BOMB = aci({ name: 'example.com/bomb' }, [{ name: 'zeros', content: '', size: 17 * ZEROS.length }]);

interface Kind {
  name: 'gzip' | 'bzip2' | 'xz' | 'zstd';
  pack: (bytes: Buffer, more?: readonly string[]) => Buffer;
  /** The program that packs, if that is not Node. */
  program?: string;
}

function program(name: string, ...args: readonly string[]): Pick<Kind, 'pack' | 'program'> {
  return {
    program: name,
    pack: (bytes, more = []) => {
      const ran = spawnSync(name, [...args, ...more], { input: bytes, maxBuffer: 2 ** 30 });
      assert.equal(ran.status, 0, `${name}: ${ran.stderr}`);
      return ran.stdout;
    },
  };
}

const KINDS: readonly Kind[] = [
  { name: 'gzip', pack: (bytes) => zlib.gzipSync(bytes) },
  { name: 'bzip2', ...program('bzip2', '-c') },
  { name: 'xz', ...program('xz', '-c', '-1') },
  { name: 'zstd', ...program('zstd', '-q', '-c') },
];
const ZSTD = 'createZstdCompress' in zlib;

function missing(name: string | undefined): string | false {
  if (name === undefined || spawnSync(name, ['--version'], { input: '' }).error === undefined) return false;
  return `no program ${name} here to make one`;
}

/** Streams of both halves, one behind the other. */
function halves(pack: Kind['pack'], bytes: Buffer): Buffer {
  const middle = 1 + (bytes.length >> 1);
  return Buffer.concat([pack(bytes.subarray(0, middle)), pack(bytes.subarray(middle))]);
}

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] as number) ^ 0x10;
  return copy;
}

for (const { name, pack, program } of KINDS) {
  test(`${name}`, { skip: missing(program) }, async (t) => {
    const packed = pack(IMAGE);
    const good: readonly [what: string, bytes: Buffer][] = [
      ['one stream', packed],
      ['several streams', halves(pack, IMAGE)],
      ['padding behind it', Buffer.concat([packed, Buffer.alloc(1024)])],
    ];
    for (const [what, bytes] of good) {
      await t.test(`${what}: the image comes back as it was`, async (t) => {
        const s = new TestStore(t);
        if (what === 'one stream') await s.ok(['import', '-'], { input: bytes });
        else await s.ok(['import', s.write('app.aci', bytes)]);
        await s.ok(['check']);
        assert.deepEqual((await s.ok(['export', 'example.com/app', '-'])).stdout, IMAGE);
      });
    }
    const bad: readonly [what: string, bytes: Buffer][] = [
      ['a flipped bit in its middle', flipped(packed, packed.length >> 1)],
      ['a flipped bit in its checksum', flipped(packed, packed.length - (name === 'gzip' ? 8 : 3))],
      ['a missing last byte', packed.subarray(0, -1)],
      ['a missing half', packed.subarray(0, packed.length >> 1)],
      ['a missing second half of two streams', halves(pack, IMAGE).subarray(0, -20)],
      ['text behind it', Buffer.concat([packed, Buffer.from('more\n')])],
      ['text behind padding', Buffer.concat([packed, Buffer.alloc(1024), Buffer.from('more')])],
    ];
    const s = new TestStore(t);
    await s.ok(['import', s.aci('other.aci', { name: 'example.com/other' })]);
    const before = inside(s.store);
    for (const [what, bytes] of bad) {
      await t.test(`${what} is refused, and nothing stays`, async () => {
        const error = await s.refused(['import', s.write('bad.aci', bytes)], 'ERR_BAD_COMPRESSION', 1);
        assert.match(error.message, new RegExp(name));
        assert.deepEqual(inside(s.store), before);
      });
    }
    await t.test('expanding beyond the ratio is refused', async () => {
      const bomb = Buffer.concat([pack(BOMB), ...Array<Buffer>(17).fill(pack(ZEROS))]);
      const error = await s.refused(['--max-ratio', '20', 'import', s.write('bomb.aci', bomb)], 'ERR_LIMIT', 1);
      assert.match(error.message, /--max-ratio/);
      assert.deepEqual(inside(s.store), before);
    });
  });
}

function inside(dir: string): string[] {
  return fs.readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort();
}

test('variants of xz', { skip: missing('xz') }, async (t) => {
  const { pack } = program('xz', '-c');
  for (const [what, ...args] of [
    ['CRC32', '--check=crc32'],
    ['no checksum', '--check=none'],
    ['blocks', '--block-size=4096'],
    ['the largest dictionary', '-9'],
  ]) {
    await t.test(`${what}: comes in`, async (t) => {
      const s = new TestStore(t);
      await s.ok(['import', s.write('app.aci', pack(IMAGE, args))]);
    });
  }
  for (const [what, ...args] of [
    ['SHA-256 as checksum', '--check=sha256'],
    ['a filter for machine code', '--x86', '--lzma2'],
    ['a huge dictionary', '--lzma2=dict=192MiB'],
  ]) {
    await t.test(`${what}: known, not supported`, async (t) => {
      const s = new TestStore(t);
      await s.refused(['import', s.write('app.aci', pack(IMAGE, args))], 'ERR_UNSUPPORTED', 1);
    });
  }
});

test('variants of bzip2: blocks of any size', { skip: missing('bzip2') }, async (t) => {
  const s = new TestStore(t);
  // Several blocks at the smallest size, and the longest runs.
  const image = aci({ name: 'example.com/blocks' }, [
    { name: 'f', content: Buffer.concat([IMAGE, Buffer.alloc(300_000), IMAGE]) },
  ]);
  await s.ok(['import', s.write('app.aci', program('bzip2', '-c', '-1').pack(image))]);
  assert.deepEqual((await s.ok(['export', 'example.com/blocks', '-'])).stdout, image);
});

test('variants of zstd', { skip: missing('zstd') }, async (t) => {
  const { pack } = program('zstd', '-q', '-c');
  const skippable = Buffer.concat([Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 5, 0, 0, 0]), Buffer.from('hello')]);
  const good: readonly [what: string, bytes: Buffer][] = [
    ['no checksum', pack(IMAGE, ['--no-check'])],
    ['the highest level', pack(IMAGE, ['--ultra', '-22'])],
    ['frames to pass over', Buffer.concat([pack(IMAGE.subarray(0, 9)), skippable, pack(IMAGE.subarray(9)), skippable])],
    ['frames without content', Buffer.concat([pack(Buffer.alloc(0)), pack(IMAGE), pack(Buffer.alloc(0))])],
  ];
  for (const [what, bytes] of good) {
    await t.test(`${what}: comes in`, async (t) => {
      const s = new TestStore(t);
      await s.ok(['import', s.write('app.aci', bytes)]);
      assert.deepEqual((await s.ok(['export', 'example.com/app', '-'])).stdout, IMAGE);
    });
  }
  await t.test('a frame to pass over that is cut short is refused', async (t) => {
    const s = new TestStore(t);
    const bytes = Buffer.concat([pack(IMAGE), skippable.subarray(0, -1)]);
    await s.refused(['import', s.write('app.aci', bytes)], 'ERR_BAD_COMPRESSION', 1);
  });
  await t.test('a huge window is not supported', async (t) => {
    const s = new TestStore(t);
    await s.refused(
      ['import', s.write('app.aci', pack(IMAGE, ['--long=31', '--no-content-size']))],
      'ERR_UNSUPPORTED',
      1,
    );
  });
});

test('export --compress zstd', async (t) => {
  const s = new TestStore(t);
  const [packed, back] = [s.path('app.aci.zst'), s.path('back.aci')];
  await s.ok(['import', s.write('app.aci', IMAGE)]);
  const args = ['export', '--compress', 'zstd', 'example.com/app', packed];
  await t.test('gives what comes in again', { skip: ZSTD ? false : 'this Node has no zstd' }, async (t) => {
    await s.ok(args);
    const other = new TestStore(t);
    await other.ok(['import', packed]);
    await other.ok(['export', 'example.com/app', back]);
    assert.deepEqual(fs.readFileSync(back), IMAGE);
  });
  await t.test(
    'tells which Node it needs, where this is an older one',
    { skip: ZSTD ? 'this Node has zstd' : false },
    async () => {
      const error = await s.refused(args, 'ERR_UNSUPPORTED', 1);
      assert.match(error.message, /Node >= 22\.15/);
      assert.deepEqual(
        fs.readdirSync(s.dir).filter((name) => name.includes('app.aci.zst')),
        [],
      );
    },
  );
});

test('export to a pipe whose reader takes its time', async (t) => {
  const s = new TestStore(t);
  const image = aci({ name: 'example.com/large' }, [{ name: 'f', content: Buffer.alloc(8 * 2 ** 20, 'some text ') }]);
  await s.ok(['import', s.write('app.aci', image)]);
  const onStart = ({ stdout }: ChildProcess): void => {
    stdout?.pause();
    setTimeout(() => stdout?.resume(), 3000);
  };
  assert.deepEqual((await s.ok(['export', 'example.com/large', '-'], { onStart })).stdout, image);
});

async function* pieces(bytes: Buffer, size = bytes.length): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size || 1) yield bytes.subarray(at, at + size);
}

function unpacked(kind: Kind['name'], bytes: Buffer, size = bytes.length): Promise<Buffer> {
  return joined(decompressed(kind, pieces(bytes, size)));
}

/** Copies what comes, as it need not stay. */
async function joined(bytes: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of bytes) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

test('gzip gives the same in one piece and in many, in place and by streams', async (t) => {
  const packed = zlib.gzipSync(IMAGE);
  const lie = (length: number): Buffer => {
    const copy = Buffer.from(packed);
    copy.writeUInt32LE(length, copy.length - 4);
    return copy;
  };
  const outcome = (bytes: AsyncIterable<Buffer>): Promise<string> =>
    joined(bytes).then(
      (all) => createHash('sha512').update(all).digest('hex'),
      ({ code, message }) => `${code}: ${message}`,
    );
  const [least, small, usual] = [1, 1021, 2 ** 20].map((length) => Buffer.alloc(length)) as [Buffer, Buffer, Buffer];
  assert.ok(canInflateInPlace(), 'Node has changed what is driven in place');
  for (const [what, bytes] of [
    ['one member', packed],
    ['nothing in it', zlib.gzipSync(Buffer.alloc(0))],
    ['no bytes at all', Buffer.alloc(0)],
    ['short members', Buffer.concat([zlib.gzipSync('short'), zlib.gzipSync('members')])],
    ['more than is inflated at once', zlib.gzipSync(Buffer.alloc(17 * 2 ** 20))],
    ['several members, the last one short', Buffer.concat([packed, zlib.gzipSync('short')])],
    ['several members, the last one empty', Buffer.concat([packed, zlib.gzipSync('')])],
    ['padding', Buffer.concat([packed, Buffer.alloc(7)])],
    ['text behind it', Buffer.concat([packed, Buffer.from('text')])],
    ['a length that is too small', lie(IMAGE.length - 1)],
    ['a length of nothing', lie(0)],
    ['a length that is too large', lie(IMAGE.length + 1)],
    ['another checksum', flipped(packed, packed.length - 8)],
    ['no trailer', packed.subarray(0, -8)],
    ['a cut', packed.subarray(0, packed.length >> 1)],
    ['a header alone', packed.subarray(0, 10)],
  ] as const) {
    await t.test(what, async () => {
      const expected = await outcome(inflatedByPieces(pieces(bytes, 2 ** 20)));
      assert.equal(await outcome(decompressed('gzip', pieces(bytes, 2 ** 20))), expected);
      for (const room of bytes.length < 100 ? [least, small, usual] : [small, usual])
        for (const size of [100, 2 ** 20])
          assert.equal(await outcome(inflatedInto(pieces(bytes, size), () => room)), expected);
    });
  }
});

test('a huge dictionary of xz never reaches the decoder, which would make room for it', {
  skip: missing('xz'),
}, async (t) => {
  const { pack } = program('xz', '-c');
  const content = Buffer.concat([randomBytes(70_000), IMAGE]);
  const names = ['--check=none', '--check=crc32', '--check=crc64', '--block-size=4096', '--lzma2=dict=64MiB'];
  const small = names.map((each) => [`after one with ${each}`, pack(content, [each])] as const);
  const huge = pack(IMAGE, ['--lzma2=dict=65MiB']);
  for (const [what, before] of [
    ['in the first stream', Buffer.alloc(0)],
    ...small,
    ['after an empty one and padding', Buffer.concat([pack(Buffer.alloc(0)), Buffer.alloc(8)])],
    ['after one of several streams', Buffer.concat(small.map(([, packed]) => packed))],
  ] as const) {
    await t.test(what, async () => {
      const bytes = Buffer.concat([before, huge]);
      for (const size of [11, 1000]) {
        let passed = 0;
        const looking = async (): Promise<void> => {
          for await (const piece of withSmallDictionaries(pieces(bytes, size))) passed += piece.length;
        };
        await assert.rejects(looking, { code: 'ERR_UNSUPPORTED', message: /64 MiB/ });
        assert.ok(passed >= before.length - size && passed < before.length + 24, `${passed} of ${before.length}`);
      }
    });
  }
});

test('streams that hold nothing, or next to nothing, cost next to nothing', async (t) => {
  const empty = Buffer.concat([Buffer.from('BZh9', 'latin1'), Buffer.from('177245385090' + '00000000', 'hex')]);
  await t.test('bzip2 without blocks', async () => {
    assert.equal((await unpacked('bzip2', repeated(empty, 20_000))).length, 0);
  });
  /** A frame with a window of 128 MiB. */
  const frame = (flags: number, rest: string): Buffer =>
    Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, flags, 17 << 3]), Buffer.from(rest, 'hex')]);
  await t.test('zstd frames without content', async () => {
    const both = Buffer.concat([frame(0, '010000'), frame(4, '010000' + '99e9d851')]);
    assert.equal((await unpacked('zstd', repeated(both, 5000))).length, 0);
  });
  await t.test('zstd frames of one byte', async () => {
    assert.equal((await unpacked('zstd', repeated(frame(0, '0b000061'), 2000))).toString(), 'a'.repeat(2000));
  });
  await t.test('zstd frames of many empty blocks are refused', async () => {
    const blocks = `${'000000'.repeat(9)}0b000061`;
    await assert.rejects(unpacked('zstd', repeated(frame(0, blocks), 1000)), { code: 'ERR_LIMIT' });
  });
  for (const [what, bytes] of [
    ['checksum', frame(4, '010000' + '99e9d852')],
    ['size', Buffer.from('28b52ffd2001010000', 'hex')],
  ] as const) {
    await t.test(`but a wrong ${what} of nothing is refused`, async () => {
      await assert.rejects(unpacked('zstd', bytes), { code: 'ERR_BAD_COMPRESSION', message: new RegExp(what) });
    });
  }
});

function repeated(bytes: Buffer, times: number): Buffer {
  return Buffer.alloc(bytes.length * times, bytes);
}
