/**
 * What the pages show is true: the blocks of a page run in order, as one story, in a directory of their own, and print
 * what the page says they print. Blocks of TypeScript compile.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { PROGRAM } from '../fixtures/cli.js';
import { ROOT } from '../house/sources.js';
import { type Block, blocksIn, isShown, masked, type Step, stepsOf } from './blocks.js';

/** Pages that tell a story, and how many steps of it run at least. */
const STORIES = {
  'README.md': 30,
  'docs/getting-started.md': 50,
  'docs/cookbook.md': 50,
  'docs/coming-from.md': 10,
  'docs/cli.md': 55,
  'docs/pods.md': 7,
  'docs/configuration.md': 3,
  'docs/scale-out.md': 2,
  'docs/building.md': 20,
};

/** What the pages call the directory that they work in, and the store. */
const SHOWN_HOME = '/home/me';
const SHOWN_STORE = '/var/lib/cairn';

const MARK = '@@ step';

let dir: string;

before(() => {
  dir = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'cairn-docs-')));
  fs.mkdirSync(join(dir, 'bin'));
  fs.writeFileSync(join(dir, 'bin/cairn'), `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`, {
    mode: 0o755,
  });
});

after(() => fs.rmSync(dir, { recursive: true, force: true }));

function blocksOf(page: string): Block[] {
  return blocksIn(page, fs.readFileSync(join(ROOT, page), 'utf8'));
}

/** A page's directory and store. Pages show other paths for them. */
function placesOf(page: string): { home: string; store: string } {
  const place = join(dir, page.replaceAll('/', '-'));
  return { home: join(place, 'home'), store: join(place, 'store') };
}

/** Runs steps in one shell, which ends with the first that fails. @returns what each that began has printed */
function run(page: string, steps: readonly Step[]): { printed: string[]; code: number | null } {
  const { home, store } = placesOf(page);
  fs.mkdirSync(home, { recursive: true });
  const script = ['exec 2>&1', 'set -e', 'umask 022'];
  for (const { command } of steps) script.push(`printf '\\n${MARK}\\n'`, command);
  const { stdout, status } = spawnSync('bash', ['-c', `${script.join('\n')}\n`], {
    cwd: home,
    env: {
      // What the pages show of paths is that of a store that keeps files, whatever this machine can.
      CAIRN_LAYOUT: 'loose',
      PATH: `${join(dir, 'bin')}:${process.env['PATH']}`,
      HOME: home,
      CAIRN_STORE: store,
      LC_ALL: 'C.UTF-8',
      TZ: 'UTC',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    timeout: 600_000,
  });
  const told = stdout.replaceAll(store, SHOWN_STORE).replaceAll(home, SHOWN_HOME);
  return { printed: told.split(`\n${MARK}\n`).slice(1), code: status };
}

for (const [page, least] of Object.entries(STORIES)) {
  test(`${page} shows what happens`, () => {
    const blocks = blocksOf(page).filter(({ language }) => language === 'sh' || language === 'console');
    const steps = blocks.filter(({ notRun }) => notRun === undefined).flatMap(stepsOf);
    assert.ok(steps.length >= least, `${steps.length} steps`);
    const { printed, code } = run(page, steps);
    for (const [i, { at, output, numbersVary }] of steps.entries()) {
      const found = printed[i];
      assert.ok(found !== undefined, `${at} was never reached`);
      assert.ok(code === 0 || i < printed.length - 1, `${at} ended with ${code}:\n${found}`);
      if (output === undefined) continue;
      const [actual, shown] = [masked(found, numbersVary), masked(output, numbersVary)];
      if (!isShown(actual, shown)) assert.equal(actual, shown, at);
    }
  });
}

test('TypeScript in the pages compiles', () => {
  const place = join(dir, 'typescript');
  fs.mkdirSync(join(place, 'node_modules/@types'), { recursive: true });
  fs.symlinkSync(ROOT, join(place, 'node_modules/cairn-store'));
  fs.symlinkSync(join(ROOT, 'node_modules/@types/node'), join(place, 'node_modules/@types/node'));
  const names = fs.readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  const pages = ['README.md', ...names.map((name) => `docs/${name}`)];
  const blocks = pages.flatMap(blocksOf).filter(({ language }) => language === 'ts');
  assert.ok(blocks.length >= 2, `${blocks.length} blocks`);
  const files = blocks.map(({ at, text }) => {
    const name = `${at.replaceAll(/[/:.]/g, '-')}.mts`;
    fs.writeFileSync(join(place, name), text);
    return name;
  });
  const flags = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--pretty', 'false', '--module', 'nodenext'];
  const target = ['--target', 'es2022', '--lib', 'es2023,esnext.disposable', '--types', 'node'];
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { stdout, status } = spawnSync(process.execPath, [tsc, ...flags, ...target, ...files], {
    cwd: place,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout);
});

test('a block that does not run says why', () => {
  for (const page of Object.keys(STORIES)) {
    const text = fs.readFileSync(join(ROOT, page), 'utf8');
    const comments = [...text.matchAll(/^<!-- (.*) -->$/gm)].map(([, comment]) => comment as string);
    for (const comment of comments) assert.match(comment, /^(?:not run: .{5,}|numbers vary)$/, page);
  }
});

test('a shown text with … stands for any text, and nothing else does', () => {
  assert.ok(isShown('a 12 b', 'a … b'));
  assert.ok(isShown('first\nsecond\nthird', 'first\n…'));
  assert.ok(isShown('first', 'first\n…'));
  assert.ok(isShown('first\nsecond\nthird', 'first\n…\nthird'));
  assert.ok(!isShown('first\nsecond', 'first'));
  assert.ok(!isShown('a\nb', 'a …'));
});
