/** The pages under `docs/` name everything that they promise to name, and all their links have a target. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { writeApiDocs } from '../../cli/build/api-docs.js';
import { COMMANDS } from '../../cli/commands.js';
import { ERROR_CODES } from '../../engine/core/errors.js';
import { DEFAULT_LIMITS, type Limits, limitFlag } from '../../engine/core/limits.js';
import { Store } from '../../engine/store.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const read = (page: string): string => fs.readFileSync(join(ROOT, page), 'utf8');

test('docs/errors.md has a row for every error code', () => {
  const page = read('docs/errors.md');
  for (const code of Object.keys(ERROR_CODES)) assert.match(page, new RegExp(`^\\| \`${code}\` +\\|`, 'm'), code);
});

test('docs/errors.md has no row for a code that is not there', () => {
  const rows = [...read('docs/errors.md').matchAll(/^\| `(ERR_[A-Z_]+)` +\|/gm)].map(([, code]) => code);
  assert.deepEqual(rows.toSorted(), Object.keys(ERROR_CODES).toSorted());
});

test('docs/limits.md has every flag, with the default beside it', () => {
  const lines = read('docs/limits.md').split('\n');
  for (const [name, value] of Object.entries(DEFAULT_LIMITS)) {
    const flag = limitFlag(name as keyof Limits);
    const row = lines.find((line) => line.replaceAll(' ', '').startsWith(`|\`${flag}\`|`));
    assert.ok(row?.replaceAll(' ', '').includes(`|${value}|`), `${flag} ${value}: ${row}`);
  }
});

test('docs/cli.md has a heading for every command, and names its aliases', () => {
  const page = read('docs/cli.md');
  for (const { name, aliases = [] } of COMMANDS) {
    assert.match(page, new RegExp(`^### ${name}$`, 'm'), name);
    for (const alias of aliases) assert.ok(page.includes(`\`${alias}\``), alias);
  }
});

/** Methods of an open store that are not deprecated. */
function methods(): string[] {
  const found = new Set<string>();
  for (let level = Store.prototype; level !== Object.prototype; level = Object.getPrototypeOf(level))
    for (const name of Object.getOwnPropertyNames(level)) if (name !== 'constructor') found.add(name);
  const sources = [
    'engine/store.ts',
    ...fs.readdirSync(join(ROOT, 'engine/facade')).map((name) => `engine/facade/${name}`),
  ];
  for (const source of sources)
    for (const [, old] of read(source).matchAll(/@deprecated .*\n +(?:async )?(\w+)\(/g)) found.delete(old as string);
  return [...found];
}

test('docs/library.md has every method of a store, and no other', () => {
  const page = read('docs/library.md');
  const named = [...page.matchAll(/`store\.(\w+)[(`]/g)].map(([, name]) => name as string);
  assert.ok(methods().length > 30);
  assert.deepEqual([...new Set(named)].sort(), methods().sort());
});

test('relative links between the pages lead to files that are there', () => {
  const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...pagesInDocs()];
  for (const page of pages) {
    for (const [, target] of read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target as string)) continue;
      assert.ok(fs.existsSync(join(ROOT, dirname(page), target as string)), `${page}: ${target}`);
    }
  }
});

function pagesInDocs(): string[] {
  const names = fs.readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  return names.map((name) => `docs/${name}`);
}

test('the reference of the library can be written without a warning', async () => {
  const out = fs.mkdtempSync(join(tmpdir(), 'cairn-api-'));
  try {
    assert.deepEqual(await writeApiDocs(out), []);
    const page = fs.readFileSync(join(out, 'interfaces/Store.html'), 'utf8');
    for (const method of methods()) assert.ok(page.includes(`id="${method.toLowerCase()}"`), method);
  } finally {
    fs.rmSync(out, { recursive: true, force: true });
  }
});
