/** Dependencies of an ACI: which image each means, in which order of priority, and which cannot be. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { CairnError, type ErrorCode } from '../../engine/core/errors.js';
import type { Key } from '../../engine/core/key.js';
import type { Dependency } from '../../engine/image/aci/manifest.js';
import { findNamed, lookupIn, putImage } from '../../engine/index/images.js';
import { Index } from '../../engine/index/open.js';
import type { ImageRecord } from '../../engine/index/records.js';
import { DependencyClosure, dependencyNodesOf, findDependency } from '../../engine/resolve/dependencies.js';
import { temporaryDirectory } from '../fixtures/cli.js';

const NO_LIMIT = { maxDependencies: 1000 };

interface Spec {
  name: string;
  /** First digits of its key; made of the name unless given. */
  digits?: string;
  labels?: Readonly<Record<string, string>>;
  /** Names, or more of a dependency. */
  needs?: readonly (string | Partial<Dependency>)[];
  importTime?: number;
  latest?: boolean;
}

function record(spec: Spec): ImageRecord {
  const key: Key = `sha512-${(spec.digits ?? Buffer.from(spec.name).toString('hex')).padEnd(128, '0')}`;
  return {
    key,
    name: spec.name,
    labels: Object.entries(spec.labels ?? {}).map(([name, value]) => ({ name, value })),
    format: 'aci',
    size: 0,
    importTime: spec.importTime ?? 0,
    lastUsed: 0,
    latest: spec.latest === true,
    pinned: false,
    layers: [key],
    manifest: key,
    dependencies: (spec.needs ?? []).map((need) =>
      typeof need === 'string' ? { imageName: need, labels: [] } : { imageName: 'x', labels: [], ...need },
    ),
    filters: false,
  };
}

/** An index that holds these images. The first is the top one. */
async function indexOf(t: TestContext, specs: readonly Spec[]): Promise<{ index: Index; images: ImageRecord[] }> {
  const index = Index.open(temporaryDirectory(t), false);
  t.after(() => index.close());
  const images = specs.map(record);
  await index.commit(() => {
    for (const image of images) putImage(index, image);
  });
  return { index, images };
}

/** Names in priority order, each with the place of its dependent. */
async function order(t: TestContext, specs: readonly Spec[], limits = NO_LIMIT): Promise<string[]> {
  const { index, images } = await indexOf(t, specs);
  return dependencyNodesOf(lookupIn(index), images[0] as ImageRecord, limits).map(
    ({ image, dependent }) => `${image.name}<${dependent}`,
  );
}

const ORDERS: readonly [behaviour: string, specs: Spec[], order: string[]][] = [
  ['an image without dependencies stands alone', [{ name: 'a' }], ['a<-1']],
  [
    'the last dependency comes first, each with its own right behind it',
    [{ name: 'a', needs: ['b', 'c'] }, { name: 'b' }, { name: 'c', needs: ['d'] }, { name: 'd' }],
    ['a<-1', 'c<0', 'd<1', 'b<0'],
  ],
  [
    'a chain goes down',
    [{ name: 'a', needs: ['b'] }, { name: 'b', needs: ['c'] }, { name: 'c' }],
    ['a<-1', 'b<0', 'c<1'],
  ],
  [
    'an image that two need stands at both places',
    [{ name: 'a', needs: ['b', 'c'] }, { name: 'b', needs: ['d'] }, { name: 'c', needs: ['d'] }, { name: 'd' }],
    ['a<-1', 'c<0', 'd<1', 'b<0', 'd<3'],
  ],
  ['a dependency named twice stands twice', [{ name: 'a', needs: ['b', 'b'] }, { name: 'b' }], ['a<-1', 'b<0', 'b<0']],
  [
    'an image may need a direct dependency of its dependency',
    [{ name: 'a', needs: ['c', 'b'] }, { name: 'b', needs: ['c'] }, { name: 'c' }],
    ['a<-1', 'b<0', 'c<1', 'c<0'],
  ],
];

test('dependencies are ordered depth-first, the last of a manifest first', async (t) => {
  for (const [behaviour, specs, expected] of ORDERS) {
    await t.test(behaviour, async (t) => assert.deepEqual(await order(t, specs), expected));
  }
});

test('a dependency is the image of its name that holds every label', async (t) => {
  const candidates: Spec[] = [
    { name: 'b', digits: 'b1', labels: { version: '1', arch: 'amd64' }, importTime: 1 },
    { name: 'b', digits: 'b2', labels: { version: '2', arch: 'amd64' }, importTime: 2 },
    { name: 'b', digits: 'b3', labels: { version: '2', arch: 'arm' }, importTime: 3 },
  ];
  const label = (name: string, value: string) => ({ name, value });
  const cases: [behaviour: string, labels: Dependency['labels'], latest: string | undefined, digits: string][] = [
    ['without labels the newest import', [], undefined, 'b3'],
    ['without a version the latest', [], 'b1', 'b1'],
    ['with a version that one', [label('version', '1')], undefined, 'b1'],
    ['with a version, whatever is latest', [label('version', '2')], 'b1', 'b3'],
    ['with all labels', [label('version', '2'), label('arch', 'amd64')], undefined, 'b2'],
    ['with labels but no version, the newest that has them', [label('arch', 'amd64')], undefined, 'b2'],
  ];
  for (const [behaviour, labels, latest, digits] of cases) {
    await t.test(behaviour, async (t) => {
      const { index, images } = await indexOf(t, [
        { name: 'a', needs: [{ imageName: 'b', labels }] },
        ...candidates.map((each) => ({ ...each, latest: each.digits === latest })),
      ]);
      const [, place] = dependencyNodesOf(lookupIn(index), images[0] as ImageRecord, NO_LIMIT);
      assert.equal(place?.image.key.slice(7, 9), digits);
    });
  }
});

test('a dependency by ID is that image, by its whole key or a prefix', async (t) => {
  const b: Spec[] = [
    { name: 'b', digits: 'b111', importTime: 1, labels: { version: '1' } },
    { name: 'b', digits: 'b222', importTime: 2 },
  ];
  for (const imageID of ['sha512-b1', 'sha512-b111', `sha512-${'b111'.padEnd(128, '0')}`]) {
    await t.test(`${imageID.slice(0, 16)} (${imageID.length - 7} digits)`, async (t) => {
      const { index, images } = await indexOf(t, [{ name: 'a', needs: [{ imageName: 'b', imageID }] }, ...b]);
      assert.equal(
        dependencyNodesOf(lookupIn(index), images[0] as ImageRecord, NO_LIMIT)[1]?.image.key,
        images[1]?.key,
      );
    });
  }
});

const MISSING: readonly [behaviour: string, need: string | Partial<Dependency>, entry: string][] = [
  ['no image of the name', 'nowhere', 'nowhere'],
  ['no image with the label', { imageName: 'b', labels: [{ name: 'version', value: '9' }] }, 'b:9'],
  ['no image of the ID', { imageName: 'b', imageID: 'sha512-cc' }, 'b'],
  ['an ID of an image of another name', { imageName: 'c', imageID: 'sha512-b1' }, 'c'],
  [
    'an ID of an image without the label',
    { imageName: 'b', imageID: 'sha512-b1', labels: [{ name: 'os', value: 'linux' }] },
    'b,os=linux',
  ],
  ['an ID that several images begin with', { imageName: 'b', imageID: 'sha512-b1' }, 'b'],
];

test('a dependency that is not here is not found, and named', async (t) => {
  for (const [behaviour, need, entry] of MISSING) {
    await t.test(behaviour, async (t) => {
      const more: Spec[] = behaviour.includes('several') ? [{ name: 'b', digits: 'b12' }] : [];
      const { index, images } = await indexOf(t, [{ name: 'a', needs: [need] }, { name: 'b', digits: 'b11' }, ...more]);
      const error = caught(
        () => dependencyNodesOf(lookupIn(index), images[0] as ImageRecord, NO_LIMIT),
        'ERR_NOT_FOUND',
      );
      assert.equal(error.entry, entry);
      assert.match(error.message, /^a depends on /);
    });
  }
  await t.test('deep down it is named together with who needs it', async (t) => {
    const { index, images } = await indexOf(t, [
      { name: 'a', needs: ['b'] },
      { name: 'b', needs: ['nowhere'] },
    ]);
    const error = caught(() => dependencyNodesOf(lookupIn(index), images[0] as ImageRecord, NO_LIMIT), 'ERR_NOT_FOUND');
    assert.match(error.message, /^b depends on nowhere/);
  });
});

const CYCLES: readonly [behaviour: string, specs: Spec[], chain: string][] = [
  ['an image that needs itself', [{ name: 'a', needs: ['a'] }], 'a → a'],
  [
    'two that need each other',
    [
      { name: 'a', needs: ['b'] },
      { name: 'b', needs: ['a'] },
    ],
    'a → b → a',
  ],
  [
    'a cycle below the image',
    [
      { name: 'a', needs: ['b'] },
      { name: 'b', needs: ['c'] },
      { name: 'c', needs: ['b'] },
    ],
    'a → b → c → b',
  ],
];

test('a cycle is refused with its path', async (t) => {
  for (const [behaviour, specs, chain] of CYCLES) {
    await t.test(behaviour, async (t) => {
      const { index, images } = await indexOf(t, specs);
      const error = caught(
        () => dependencyNodesOf(lookupIn(index), images[0] as ImageRecord, NO_LIMIT),
        'ERR_DEPENDENCY_CYCLE',
      );
      assert.ok(error.message.endsWith(`: ${chain}`), error.message);
    });
  }
});

test('the limit counts places, the image itself not among them', async (t) => {
  const diamonds: Spec[] = [{ name: 'a', needs: ['b', 'b'] }, { name: 'b', needs: ['c', 'c'] }, { name: 'c' }];
  await t.test('up to it an image renders', async (t) => {
    assert.equal((await order(t, diamonds, { maxDependencies: 6 })).length, 7);
  });
  await t.test('past it the error names the flag', async (t) => {
    await assert.rejects(order(t, diamonds, { maxDependencies: 5 }), (error: CairnError) => {
      assert.equal(error.code, 'ERR_LIMIT');
      assert.match(error.message, /--max-dependencies/);
      return true;
    });
  });
  await t.test('stacked diamonds end there instead of doubling forever', async (t) => {
    const stack = Array.from(
      { length: 64 },
      (_none, i): Spec => ({ name: `n${i}`, needs: [`n${i + 1}`, `n${i + 1}`] }),
    );
    await assert.rejects(order(t, [...stack, { name: 'n64' }]), { code: 'ERR_LIMIT' });
  });
});

test('what is needed for an image is it and everything below, each once; what is missing or cyclic needs nothing more', async (t) => {
  const { index, images } = await indexOf(t, [
    { name: 'a', needs: ['b', 'c', 'nowhere'] },
    { name: 'b', needs: ['d'] },
    { name: 'c', needs: ['d', 'a'] },
    { name: 'd' },
    { name: 'other' },
  ]);
  const needed = new DependencyClosure(lookupIn(index)).of([images[0] as ImageRecord]);
  assert.deepEqual(
    [...needed].sort(),
    images
      .slice(0, 4)
      .map(({ key }) => key)
      .sort(),
  );
});

test('the labels of an image are read once, however many a dependency asks for and however many ask', () => {
  let reads = 0;
  const labels = Array.from({ length: 100 }, (_none, i) => ({
    get name() {
      reads++;
      return `l${i}`;
    },
    value: '',
  }));
  const image = { ...record({ name: 'b' }), labels };
  const lookup = { named: () => [image], image: () => image, byHash: () => new Map([[image.key, image.key]]) };
  const wanted = Array.from({ length: 100 }, (_none, i) => ({ name: `l${99 - i}`, value: '' }));
  for (let i = 0; i < 10; i++) {
    assert.equal(findNamed(lookup, 'b', wanted), image);
    assert.equal(
      findDependency(lookup, image, { imageName: 'b', imageID: image.key.slice(0, 20), labels: wanted }),
      image,
    );
  }
  assert.equal(reads, labels.length);
  assert.equal(findNamed(lookup, 'b', [...wanted, { name: 'more', value: '' }]), undefined);
  assert.equal(findNamed(lookup, 'b', [{ name: 'l1', value: 'other' }]), undefined);
});

function caught(work: () => unknown, code: ErrorCode): CairnError {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof CairnError);
    assert.equal(error.code, code);
    return error;
  }
  assert.fail(`no ${code}`);
}
