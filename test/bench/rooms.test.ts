/** Who may import whom in `bench/`: the limits are an addition that nothing else depends on. Read from the sources. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SMALL } from '../../bench/inputs/sizes.js';
import { THIS_BUILD } from '../../bench/measure/cairn.js';
import { LIMITS, SCENARIOS } from '../../bench/scenarios/all.js';
import { temporaryDirectory } from '../fixtures/cli.js';
import { NAMELESS_CORPUS } from '../fixtures/nameless-corpus.js';

const BENCH = fileURLToPath(new URL('../../../bench/', import.meta.url));
const LIST = join('scenarios', 'all.ts');

const SOURCES = fs.readdirSync(BENCH, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

const read = (source: string): string => fs.readFileSync(join(BENCH, source), 'utf8');

function importsOf(source: string): string[] {
  return [...read(source).matchAll(/\bfrom '(\.[^']+)'/g)].map(([, target]) =>
    normalize(join(dirname(source), target as string)),
  );
}

test('only the list of scenarios imports the limits, and names them apart from the others', (t) => {
  const reaching = SOURCES.filter(
    (source) => !source.startsWith('limits') && importsOf(source).some((target) => target.startsWith('limits')),
  );
  assert.deepEqual(reaching, [LIST]);
  const dir = temporaryDirectory(t);
  const named = (list: typeof LIMITS) =>
    Object.values(list).flatMap((make) =>
      make({ corpus: NAMELESS_CORPUS, sizes: SMALL, dir, build: THIS_BUILD }).map(({ name }) => name),
    );
  for (const name of named(LIMITS)) assert.match(name, /^limit-/);
  for (const name of named(SCENARIOS)) assert.doesNotMatch(name, /^limit/);
});

test('each module begins with what it is for, and no line of a comment is longer than 120 characters', () => {
  assert.ok(SOURCES.length > 50, `${SOURCES.length} sources`);
  for (const source of SOURCES) {
    const text = read(source);
    assert.match(text, /^\/\*\* ?\S|^\/\*\*\n/, source);
    for (const line of text.split('\n'))
      if (/^\s*(?:\/\*|\*|\/\/)/.test(line)) assert.ok(line.length <= 120, `${source}: ${line}`);
  }
});
