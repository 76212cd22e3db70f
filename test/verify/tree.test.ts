/** Comparing a tree with its plan, where there is very much to compare. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import { test } from 'node:test';
import type { SkippedKind } from '../../engine/core/metadata.js';
import { plainEntry } from '../../engine/plan/plan.js';
import { packShard } from '../../engine/plan/shard.js';
import { verifyTree } from '../../workers/verify/tree.js';

test('two hundred thousand extended attributes that were skipped are each looked up at once', (t) => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'cairn-verify-'));
  t.after(() => fs.rmSync(root, { recursive: true }));
  const names = Array.from({ length: 200_000 }, (_none, i) => `user.${i.toString(36).padStart(8, '0')}`);
  const value = Buffer.alloc(0);
  const entry = { ...plainEntry('', 'dir', 0o755, 0), xattrs: names.map((name) => ({ name, value })) };
  const { findings } = verifyTree({
    kind: 'verify-tree',
    control: { cancel: new Int32Array(1), done: new BigInt64Array(3) },
    root,
    objects: { kind: 'loose', dir: root },
    shard: packShard([entry]),
    sizes: Float64Array.of(0),
    children: Uint32Array.of(0),
    inodes: BigUint64Array.of(0n),
    groups: '',
    linked: false,
    skipped: ['mode', 'owner', 'time', ...names.slice(1).map((name): SkippedKind => `xattr ${name}`)],
    quick: false,
  });
  assert.deepEqual(findings, [{ id: '', what: `extended attribute ${names[0]} is missing`, metadata: true }]);
});
