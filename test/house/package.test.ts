/** The package as its users have it: packed, installed elsewhere, type-checked and run, also by the oldest Node. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { aci } from '../fixtures/archive.js';
import { faultsOf, NAMED, REQUIRED, rightConsumer, wrongConsumer } from '../fixtures/consumer.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const IMAGE = 'example.com/app';

const OLDEST = process.env['CAIRN_OLDEST_NODE'] ?? '';
const NO_OLDEST = OLDEST === '' && 'CAIRN_OLDEST_NODE does not name its binary';
const NODES = [
  { name: 'this Node', node: process.execPath, skip: false },
  { name: 'the oldest Node', node: OLDEST, skip: NO_OLDEST },
];

/** The endings of consumers, and how each asks for the package. A bundler takes `.ts` for a module. */
const CONSUMERS = { '.ts': NAMED, '.mts': NAMED, '.cts': NAMED, '-require.cts': REQUIRED };
const MODULES = ['.mts', '.cts', '-require.cts'];

const FLAGS = [
  ...['--strict', '--skipLibCheck', 'false', '--exactOptionalPropertyTypes', '--pretty', 'false'],
  ...['--target', 'es2022', '--lib', 'es2023,esnext.disposable', '--types', 'node'],
];

/** Differences between users: how TypeScript looks a package up, and which of its two entries it takes. */
const COMPILED = [
  { as: 'as NodeNext', ends: MODULES, flags: ['--module', 'nodenext'] },
  // In this mode no CommonJS file may require an ES module, as no Node before 20.19 can.
  { as: 'as Node16', ends: MODULES, flags: ['--module', 'node16'] },
  { as: 'for a bundler', ends: ['.ts'], flags: ['--module', 'esnext', '--moduleResolution', 'bundler'] },
  {
    as: 'for a bundler that takes both',
    ends: ['.ts', '-require.cts'],
    flags: ['--module', 'preserve', '--moduleResolution', 'bundler'],
  },
];

/** A directory with the package among its `node_modules`, and consumers. */
let dir: string;
let installed: string;

before(() => {
  dir = fs.mkdtempSync(join(tmpdir(), 'cairn-package-'));
  installed = installPackage();
  fs.writeFileSync(join(dir, 'app.aci'), aci({ name: IMAGE }, [{ name: 'f', content: 'hello' }]));
  for (const [end, imports] of Object.entries(CONSUMERS)) {
    fs.writeFileSync(join(dir, `right${end}`), rightConsumer(imports));
    fs.writeFileSync(join(dir, `wrong${end}`), wrongConsumer(imports));
  }
  const emitting = ['--module', 'node16', '--outDir', 'out', '--noCheck'];
  const right = MODULES.map((end) => `right${end}`);
  assert.deepEqual(compile(process.execPath, right, emitting), []);
});

after(() => fs.rmSync(dir, { recursive: true, force: true }));

function installPackage(): string {
  const packing = ['pack', '--silent', '--ignore-scripts', '--pack-destination', dir];
  const packed = execFileSync('npm', packing, { cwd: ROOT, encoding: 'utf8' });
  execFileSync('tar', ['xf', join(dir, packed.trim()), '-C', dir]);
  // The dependencies are those of the checkout: the test is about the tarball itself.
  const modules = join(dir, 'node_modules');
  fs.mkdirSync(modules);
  for (const name of fs.readdirSync(join(ROOT, 'node_modules')))
    fs.symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  fs.renameSync(join(dir, 'package'), join(modules, 'cairn-store'));
  return join(modules, 'cairn-store');
}

/** The compiler's messages: `file:line: error` for wrong consumers, the full text for all other files. */
function compile(node: string, files: readonly string[], flags: readonly string[]): string[] {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { stdout, stderr } = spawnSync(node, [tsc, ...FLAGS, ...flags, ...files], { cwd: dir, encoding: 'utf8' });
  assert.equal(stderr, '');
  const lines = stdout.split('\n').filter((line) => /^\S/.test(line));
  return lines.map((line) => line.replace(/^(wrong[-.a-z]+)\((\d+),\d+\): error (TS\d+): .*/, '$1:$2: $3'));
}

for (const { name, node, skip } of NODES) {
  for (const { as, ends, flags } of COMPILED) {
    test(`right uses of the package compile ${as}, and wrong ones do not, in ${name}`, { skip }, () => {
      const files = ends.flatMap((end) => [`right${end}`, `wrong${end}`]);
      const faults = ends.flatMap((end) => faultsOf(`wrong${end}`));
      assert.deepEqual(compile(node, files, [...flags, '--noEmit']).sort(), faults.sort());
    });
  }

  for (const program of ['right.mjs', 'right.cjs', 'right-require.cjs']) {
    test(`${program} runs in ${name}`, { skip }, () => {
      const args = [join('out', program), `store-of-${program}`, 'app.aci'];
      const tree = execFileSync(node, args, { cwd: dir, encoding: 'utf8' }).trim();
      assert.equal(fs.readFileSync(join(tree, 'f'), 'utf8'), 'hello');
      fs.rmSync(join(dir, `store-of-${program}`), { recursive: true });
    });
  }

  test(`import and require give the same engine in ${name}`, { skip }, () => {
    const both = `const required = require('cairn-store');
const { deepEqual } = require('node:assert/strict');
import('cairn-store').then((imported) => deepEqual({ ...imported }, { ...required }));`;
    execFileSync(node, ['--input-type=commonjs', '-e', both], { cwd: dir });
  });

  test(`the program runs in ${name}`, { skip }, () => {
    const cairn = (...args: string[]): string =>
      execFileSync(node, [join(installed, 'dist/cli/cairn.cjs'), ...args], {
        env: { ...process.env, CAIRN_STORE: join(dir, 'store') },
        cwd: dir,
        encoding: 'utf8',
      });
    assert.match(cairn('--version'), /^\d+\.\d+\.\d+\n$/);
    assert.match(cairn('import', 'app.aci'), /example\.com\/app/);
    assert.equal(fs.readFileSync(join(cairn('render', IMAGE).trim(), 'f'), 'utf8'), 'hello');
    assert.match(cairn('check'), /all is well/);
    fs.rmSync(join(dir, 'store'), { recursive: true });
  });
}

test('the oldest Node is the one that package.json names', { skip: NO_OLDEST }, () => {
  const { engines } = JSON.parse(fs.readFileSync(join(installed, 'package.json'), 'utf8'));
  const version = execFileSync(OLDEST, ['--version'], { encoding: 'utf8' });
  assert.equal(`>=${version.trim().slice(1)}`, `${engines.node}.0`);
});

test('links of the pages in the tarball lead to files in it', () => {
  const pages = ['README.md', ...fs.readdirSync(join(installed, 'docs')).map((name) => `docs/${name}`)];
  for (const page of pages) {
    const text = fs.readFileSync(join(installed, page), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (!/^[a-z]+:/.test(target))
        assert.ok(fs.existsSync(join(installed, dirname(page), target)), `${page}: ${target}`);
    }
  }
});

test('the tarball holds what package.json names, and no tests', () => {
  const { main, types, bin, exports } = JSON.parse(fs.readFileSync(join(installed, 'package.json'), 'utf8'));
  const entries = exports['.'];
  const named = [main, types, bin.cairn, ...Object.values(entries.import), ...Object.values(entries.require)];
  for (const file of named) assert.ok(fs.existsSync(join(installed, file)), file);
  assert.equal(fs.existsSync(join(installed, 'dist/test')), false);
});
