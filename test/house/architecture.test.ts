/** Who may import whom: cli → engine → the workers' task types, and pure code nothing that does I/O. Read from the sources. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Sources below the root, `engine/layer/tar/scan.ts`, each with what it imports: `engine/core/bytes.ts`, `node:fs`, `lmdb`. */
const SOURCES = new Map(
  ['engine', 'workers', 'cli'].flatMap(sourcesBelow).map((source) => [source, importsOf(source)] as const),
);

function sourcesBelow(dir: string): string[] {
  return fs
    .readdirSync(join(ROOT, dir), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${dir}/${name}`);
}

/** Static, dynamic and type-only imports, re-exports, and `require`. */
function importsOf(source: string): string[] {
  const text = fs.readFileSync(join(ROOT, source), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  const found = text.matchAll(
    /(?:^(?:import|export)\b[^;'"]*?\bfrom\s*|^import\s*|\bimport\(\s*|\)\(\s*|\brequire\(\s*)'([^'\s]+)'/gm,
  );
  return [...found].map(([, target]) => locate(source, target as string));
}

function locate(source: string, target: string): string {
  if (!target.startsWith('.')) return target;
  return normalize(join(dirname(source), target)).replace(/\.js$/, '.ts');
}

function importsWithin(dir: string): [source: string, target: string][] {
  return [...SOURCES]
    .filter(([source]) => source.startsWith(`${dir}/`))
    .flatMap(([source, targets]) => targets.map((target): [string, string] => [source, target]));
}

/** Everything that a source imports, and what that imports in turn, with the way there. */
function reachedFrom(source: string): Map<string, string> {
  const ways = new Map<string, string>([[source, source]]);
  const open = [source];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const target of SOURCES.get(at) ?? []) {
      if (ways.has(target)) continue;
      ways.set(target, `${ways.get(at)} → ${target}`);
      open.push(target);
    }
  }
  return ways;
}

const TASK_TYPES = /^workers\/tasks\/[a-z]+\.ts$/;

const isPackage = (target: string, name: string): boolean => target === name || target.startsWith(`${name}/`);

test('the reader of imports sees all of them', () => {
  assert.ok(SOURCES.size > 80, `${SOURCES.size} sources`);
  assert.ok(SOURCES.get('engine/disk/durable.ts')?.includes('node:fs'));
  assert.ok(SOURCES.get('engine/disk/durable.ts')?.includes('engine/disk/native.ts'));
  assert.ok(SOURCES.get('engine/disk/native.ts')?.includes('koffi'), 'through createRequire');
  assert.ok(SOURCES.get('engine/plan/shard.ts')?.includes('workers/tasks/parts.ts'), 'type-only');
  assert.ok(SOURCES.get('engine/api.ts')?.includes('engine/store.ts'), 're-exported');
  assert.ok(SOURCES.get('cli/commands.ts')?.includes('cli/commands/import.ts'), 'dynamic');
  for (const [source, target] of ['engine', 'workers', 'cli'].flatMap(importsWithin)) {
    if (/^(?:engine|workers|cli)\//.test(target)) assert.ok(SOURCES.has(target), `${source} → ${target}`);
  }
});

test('the engine takes from the workers only their task types and the memory they share', () => {
  const taken = importsWithin('engine').filter(([, target]) => target.startsWith('workers/'));
  assert.deepEqual(
    taken.filter(([, target]) => !TASK_TYPES.test(target) && target !== 'workers/tasks/ring.ts'),
    [],
  );
});

test('nothing below the command line imports it', () => {
  const below = [...importsWithin('engine'), ...importsWithin('workers')];
  assert.deepEqual(
    below.filter(([, target]) => target.startsWith('cli/') || isPackage(target, 'commander')),
    [],
  );
});

test('the command line takes from the workers only their task types', () => {
  const taken = importsWithin('cli').filter(([, target]) => target.startsWith('workers/'));
  assert.deepEqual(
    taken.filter(([, target]) => !TASK_TYPES.test(target)),
    [],
  );
});

test('no worker reaches the index, the store or the pool, by whatever way', () => {
  for (const source of SOURCES.keys()) {
    if (!source.startsWith('workers/')) continue;
    for (const [target, way] of reachedFrom(source)) {
      const forbidden =
        target.startsWith('engine/index/') ||
        target === 'engine/store.ts' ||
        target === 'engine/session/pool.ts' ||
        isPackage(target, 'lmdb') ||
        isPackage(target, 'piscina');
      assert.ok(!forbidden, way);
    }
  }
});

const PURE = /^engine\/(?:core|layer|plan)\//;
const IMPURE = ['node:fs', 'node:child_process', 'node:net', 'lmdb', 'piscina', 'koffi'];

test('pure code does no I/O, nor does anything that it imports', () => {
  const pure = [...SOURCES.keys()].filter((source) => PURE.test(source));
  for (const named of [
    'engine/layer/toc.ts',
    'engine/layer/aci-rules.ts',

    'engine/core/path.ts',
    'engine/core/bytes.ts',
  ])
    assert.ok(pure.includes(named), named);
  for (const named of ['engine/core/key.ts', 'engine/core/limits.ts', 'engine/core/errors.ts', 'engine/plan/aci.ts'])
    assert.ok(pure.includes(named), named);
  for (const source of pure) {
    for (const [target, way] of reachedFrom(source)) assert.ok(!IMPURE.some((name) => isPackage(target, name)), way);
  }
});

test('there are no default exports', () => {
  for (const source of SOURCES.keys()) {
    const text = fs.readFileSync(join(ROOT, source), 'utf8');
    assert.doesNotMatch(text, /^export default\b|\bas default\b/m, source);
  }
});
