/** The kind of an archive, told from its first bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { beginsAsAci } from '../../engine/import/source/locate.js';
import type { StoreContext } from '../../engine/session/context.js';
import { openContext } from '../../engine/session/open.js';
import { Store } from '../../engine/store.js';
import { aci, END, entry, gnuLong, paxHeader, tar } from '../fixtures/archive.js';
import { keepThreads } from '../fixtures/kept-threads.js';
import { TestStore } from '../fixtures/store.js';

keepThreads();

const HEAD_BYTES = 16 * 1024;
const ACI = aci({ name: 'example.com/app' }, [{ name: 'f', content: 'text' }]);
const CONTAINER = tar([{ name: 'oci-layout', content: '{}' }]);
/** One header and many zeros, which take almost no room when compressed. */
const BOMB = tar([{ name: 'blobs/zeros', content: Buffer.alloc(8 * 2 ** 20) }]);
/** The headers before the first member are longer than the bytes that are looked at first. */
const COMMENTED = Buffer.concat([
  paxHeader({
    comment: Array.from({ length: 9000 }, (_none, i) => (i * i).toString(36))
      .join('')
      .slice(0, 9000),
  }),
  entry({ name: 'manifest.json', content: '[]' }),
  END,
]);

test('the kind of an archive', async (t) => {
  const context = await openContext({ dir: new TestStore(t).store, workers: 1 });
  t.after(() => new Store(context).close());
  const asked: string[] = [];
  const { pool } = context;
  const run = pool.run.bind(pool);
  pool.run = (task) => {
    asked.push(task.kind);
    return run(task);
  };
  const kindOf = async (bytes: Buffer): Promise<string> =>
    (await beginsAsAci(context as StoreContext, bytes.subarray(0, HEAD_BYTES))) ? 'aci' : 'container';

  for (const [what, bytes, kind] of [
    ['an image', ACI, 'aci'],
    ['an OCI layout', CONTAINER, 'container'],
    ['a docker archive', tar([{ name: `${'ab'.repeat(32)}/layer.tar`, content: '' }]), 'container'],
    [
      'a layout below its own root',
      tar([
        { name: './', flag: '5' },
        { name: './oci-layout', content: '{}' },
      ]),
      'container',
    ],
    [
      'a long name',
      Buffer.concat([gnuLong('L', `blobs/${'x/'.repeat(150)}x`), entry({ name: 'x', content: '' })]),
      'container',
    ],
  ] as const) {
    await t.test(`${what}, plain and gzipped, is told without a worker`, async () => {
      assert.deepEqual([await kindOf(bytes), await kindOf(gzipSync(bytes)), asked], [kind, kind, []]);
    });
  }
  for (const [what, bytes, kind] of [
    ['much comes of little', gzipSync(BOMB), 'container'],
    ['much comes before its first member', gzipSync(COMMENTED), 'container'],
    ['it is empty', gzipSync(tar([])), 'aci'],
    ['it is damaged', gzipSync(CONTAINER).fill(1, 12, 40), 'aci'],
  ] as const) {
    await t.test(`where ${what} a worker looks`, async () => {
      asked.length = 0;
      assert.deepEqual([await kindOf(bytes), asked], [kind, ['peek']]);
    });
  }
});
