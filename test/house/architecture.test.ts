/**
 * The architecture: every file is in a room, rooms import only what the table allows, and "the only place" is the only
 * one.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ABOVE, ROOMS } from './rooms.js';
import { circleIn, commentLines, ROOT, reachedFrom, SHIPPED, sourcesIn } from './sources.js';

const SOURCES = new Map(sourcesIn([...SHIPPED, 'bench', 'test']).map((source) => [source.path, source]));
const shipped = [...SOURCES.values()].filter(({ path }) => SHIPPED.some((folder) => path.startsWith(`${folder}/`)));

/** The room of a file, or the single file or folder above the rooms; `undefined` for a file outside both. */
function placeOf(path: string): string | undefined {
  if (ABOVE[path] !== undefined) return path;
  const [top, folder, ...rest] = path.split('/') as [string, string, ...string[]];
  if (top === 'cli') return 'cli';
  const room = top === 'engine' ? folder : `${top}/${folder}`;
  return rest.length > 0 && (ROOMS[room] ?? ABOVE[room]) !== undefined ? room : undefined;
}

const isPackage = (target: string, name: string): boolean => target === name || target.startsWith(`${name}/`);

test('the reader of imports sees all of them', () => {
  assert.ok(shipped.length > 200, `${shipped.length} sources`);
  const importsOf = (path: string): readonly string[] => SOURCES.get(path)?.imports ?? [];
  assert.ok(importsOf('engine/disk/durable.ts').includes('node:fs'));
  assert.ok(importsOf('engine/disk/durable.ts').includes('engine/disk/native.ts'));
  assert.ok(importsOf('engine/disk/native.ts').includes('koffi'), 'through createRequire');
  assert.ok(importsOf('engine/plan/shard.ts').includes('workers/tasks/parts.ts'), 'type-only');
  assert.ok(importsOf('engine/api.ts').includes('engine/store.ts'), 're-exported');
  assert.ok(importsOf('cli/commands.ts').includes('cli/commands/import.ts'), 'dynamic');
  for (const { path, imports } of SOURCES.values()) {
    for (const target of imports)
      if (/^(?:engine|workers|cli)\//.test(target)) assert.ok(SOURCES.has(target), `${path} → ${target}`);
  }
});

test('every file lies in a room', () => {
  assert.deepEqual(
    shipped.filter(({ path }) => placeOf(path) === undefined).map(({ path }) => path),
    [],
  );
  for (const room of Object.keys(ROOMS))
    assert.ok(
      shipped.some(({ path }) => placeOf(path) === room),
      `${room} is empty`,
    );
});

test('no room imports one that the table does not give it', () => {
  const wrong: string[] = [];
  for (const { path, imports } of shipped) {
    const from = placeOf(path) as string;
    const allowed = (ROOMS[from] ?? ABOVE[from])?.imports ?? [];
    for (const target of imports) {
      if (!SOURCES.has(target)) continue;
      const to = placeOf(target) ?? target;
      if (to !== from && !allowed.includes(to)) wrong.push(`${path} → ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('arrows of the table lead down, over no more than ten floors', () => {
  const floors = new Map<string, number>();
  const floorOf = (room: string, above: readonly string[] = []): number => {
    assert.ok(!above.includes(room), `${[...above, room].join(' → ')} goes in a circle`);
    const known = floors.get(room);
    if (known !== undefined) return known;
    const below = (ROOMS[room]?.imports ?? []).map((each) => floorOf(each, [...above, room]));
    const floor = 1 + Math.max(0, ...below);
    floors.set(room, floor);
    return floor;
  };
  for (const room of Object.keys(ROOMS)) assert.ok(floorOf(room) <= 10, `${room} lies on floor ${floorOf(room)}`);
});

test('no file imports itself by a detour', () => {
  assert.equal(circleIn(SOURCES), undefined);
});

const IMPURE = [
  'node:fs',
  'node:child_process',
  'node:net',
  'node:http',
  'node:worker_threads',
  'lmdb',
  'piscina',
  'koffi',
];

test('pure rooms do no I/O, nor does anything that they import', () => {
  for (const { path } of shipped) {
    if (ROOMS[placeOf(path) as string]?.pure !== true) continue;
    for (const [target, way] of reachedFrom(SOURCES, path))
      assert.ok(!IMPURE.some((name) => isPackage(target, name)), way);
  }
});

test('no worker reaches the index, the session or the façade, by whatever way', () => {
  for (const { path } of shipped) {
    if (!path.startsWith('workers/')) continue;
    for (const [target, way] of reachedFrom(SOURCES, path)) {
      const place = placeOf(target);
      const isForbidden = place === 'index' || place === 'session' || target === 'engine/store.ts';
      assert.ok(!isForbidden && !isPackage(target, 'lmdb') && !isPackage(target, 'piscina'), way);
    }
  }
});

test('nothing below the command line imports it, and nothing that is shipped imports tests or benchmarks', () => {
  for (const { path, imports } of shipped) {
    for (const target of imports) {
      const isAbove = target.startsWith('cli/') || isPackage(target, 'commander');
      assert.ok(path.startsWith('cli/') || !isAbove, `${path} → ${target}`);
      assert.doesNotMatch(target, /^(?:test|bench)\//, path);
    }
  }
});

/** Text that only one place may contain. */
const ONLY_PLACES: readonly { what: string; pattern: RegExp; places: readonly string[] }[] = [
  {
    what: 'names of the layout',
    pattern:
      /'(?:data\.mdb|lock\.mdb|cairn\.json|\.plan|\.old|\.unwanted|\.layout)'|`\$\{[^}]*\}\.(?:plan|old|unwanted|layout)`/,
    places: ['engine/disk/layout.ts'],
  },
  { what: 'renames', pattern: /\brename(?:Sync)?\(/, places: ['engine/disk/durable.ts', 'engine/disk/native.ts'] },
  { what: 'syncs', pattern: /\bf(?:data)?sync(?:Sync)?\(/, places: ['engine/disk/durable.ts'] },
  { what: 'limits', pattern: /^(?:export )?const MAX_/m, places: ['engine/core/limits.ts'] },
];

test('what one place promises to be the only one for stands in no other', () => {
  for (const { what, pattern, places } of ONLY_PLACES) {
    const others = shipped.filter(({ path, text }) => !places.includes(path) && pattern.test(withoutComments(text)));
    assert.deepEqual(
      others.map(({ path }) => path),
      [],
      what,
    );
    for (const place of places) assert.match(SOURCES.get(place)?.text ?? '', pattern, `${place} has no ${what}`);
  }
});

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

test('no line of a comment is longer than 120 characters', () => {
  const long = [...SOURCES.values()].flatMap(({ path, text }) =>
    commentLines(text)
      .filter(({ line }) => line.length > 120)
      .map(({ number }) => `${path}:${number}`),
  );
  assert.deepEqual(long, []);
});

test('each module begins with a comment', () => {
  const silent = [...SOURCES.values()].filter(({ text }) => !/^(?:#!.*\n)?\/\*\*/.test(text));
  assert.deepEqual(
    silent.map(({ path }) => path),
    [],
  );
});

test('files are short', () => {
  const lines = shipped.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }));
  assert.deepEqual(
    lines.filter(({ lines: count }) => count > 300),
    [],
  );
  const sorted = lines.map(({ lines: count }) => count).sort((a, b) => a - b);
  assert.ok((sorted[sorted.length >> 1] as number) <= 90, `the median file has ${sorted[sorted.length >> 1]} lines`);
});

/** The comment that a room's door begins with. */
function doorOf(room: string): string {
  const folder = room.startsWith('workers/') ? room : `engine/${room}`;
  const text = SOURCES.get(`${folder}/index.ts`)?.text ?? '';
  return unwrapped(/^\/\*\*([\s\S]*?)\*\//.exec(text)?.[1] ?? '');
}

function unwrapped(comment: string): string {
  return comment
    .replace(/^\s*\* ?/gm, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

const allowedIn = ({ imports }: { imports: readonly string[] }): string =>
  imports.length === 0 ? 'nothing' : imports.join(', ');

test('the door of each room says what it is about and what it may import', () => {
  for (const [room, { says, imports }] of Object.entries(ROOMS)) {
    const door = doorOf(room);
    assert.ok(door.startsWith(`${says[0]?.toUpperCase()}${says.slice(1)}.`), `${room}: ${door}`);
    assert.ok(door.includes(`May import: ${allowedIn({ imports })}.`), `${room}: ${door}`);
  }
});

test('CONTRIBUTING shows the same table', () => {
  const page = fs.readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `([^`]+)` +\| ([^|]+?) +\| ([^|]+?) +\|$/gm)].map(([, room, says, imports]) => [
    room,
    says,
    imports,
  ]);
  const wanted = [...Object.entries(ROOMS), ...Object.entries(ABOVE)].map(([room, each]) => [
    room,
    each.says,
    allowedIn(each),
  ]);
  assert.deepEqual(rows, wanted);
});

test('there are no default exports', () => {
  for (const { path, text } of shipped) assert.doesNotMatch(text, /^export default\b|\bas default\b/m, path);
});
