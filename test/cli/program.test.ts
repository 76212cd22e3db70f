/** The program as it was built: bundled and compiled, which must change nothing but its time to start. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compileBundle } from '../../cli/program.js';
import { temporaryDirectory } from '../fixtures/cli.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SAYS = 'A store for layered images';

/** A copy of the build that a test may change. */
function copyOfBuild(t: TestContext): string {
  const dir = temporaryDirectory(t);
  for (const part of ['cli', 'engine', 'workers'])
    fs.cpSync(join(ROOT, 'dist', part), join(dir, 'dist', part), { recursive: true });
  for (const beside of ['package.json', 'node_modules']) fs.symlinkSync(join(ROOT, beside), join(dir, beside));
  return join(dir, 'dist', 'cli');
}

/** Damages the compiled code in a way that V8 does not notice. */
function flipBits(cli: string): void {
  const compiled = join(cli, 'program.cjs.compiled');
  const bytes = fs.readFileSync(compiled);
  for (let at = 1000; at < bytes.length; at += 1000) bytes[at] = (bytes[at] as number) ^ 4;
  fs.writeFileSync(compiled, bytes);
}

function helpOf(cli: string): string {
  return execFileSync(process.execPath, [join(cli, 'cairn.cjs'), '--help'], { encoding: 'utf8' });
}

test('the program runs from its bundle', (t) => {
  const cli = copyOfBuild(t);
  const help = helpOf(cli);
  assert.ok(help.includes(SAYS));
  // The length stays the same: V8 alone would not notice.
  const bundle = join(cli, 'program.cjs');
  const changed = SAYS.replace('store', 'shelf');
  fs.writeFileSync(bundle, fs.readFileSync(bundle, 'latin1').replaceAll(SAYS, changed));
  assert.equal(helpOf(cli), help.replaceAll(SAYS, changed));
});

test('a bundle is left alone where another version of lmdb is installed than is part of it', (t) => {
  const cli = copyOfBuild(t);
  const help = helpOf(cli);
  const bundle = join(cli, 'program.cjs');
  fs.writeFileSync(bundle, fs.readFileSync(bundle, 'latin1').replaceAll(SAYS, SAYS.replace('store', 'shelf')));
  assert.notEqual(helpOf(cli), help);
  const modules = join(cli, '../../node_modules');
  const installed = fs.realpathSync(modules);
  fs.unlinkSync(modules);
  fs.mkdirSync(modules);
  for (const name of fs.readdirSync(installed))
    if (name !== 'lmdb') fs.symlinkSync(join(installed, name), join(modules, name));
  fs.cpSync(join(installed, 'lmdb'), join(modules, 'lmdb'), { recursive: true });
  assert.notEqual(helpOf(cli), help);
  const manifest = join(modules, 'lmdb', 'package.json');
  const { version } = JSON.parse(fs.readFileSync(manifest, 'utf8')) as { version: string };
  fs.writeFileSync(manifest, fs.readFileSync(manifest, 'utf8').replace(version, `${version}-other`));
  assert.equal(helpOf(cli), help);
});

test('what was compiled when it was built is of use', () => {
  assert.equal(compileBundle()?.cachedDataRejected, false);
});

test('what another version of Node has compiled is not used', (t) => {
  const own = Object.getOwnPropertyDescriptor(process, 'version') as PropertyDescriptor;
  t.after(() => Object.defineProperty(process, 'version', own));
  Object.defineProperty(process, 'version', { ...own, value: `${process.version}-other` });
  const script = compileBundle();
  assert.ok(script !== undefined);
  assert.equal(script.cachedDataRejected, undefined, 'V8 is not asked');
});

for (const [what, spoil] of [
  ['what was compiled is cut off', (cli: string) => fs.truncateSync(join(cli, 'program.cjs.compiled'), 1000)],
  ['bits of what was compiled have flipped', flipBits],
  ['what was compiled is not there', (cli: string) => fs.rmSync(join(cli, 'program.cjs.compiled'))],
  [
    'there are no bundles',
    (cli: string) => ['program.cjs', '../workers/worker.cjs'].map((name) => fs.rmSync(join(cli, name))),
  ],
] as const) {
  test(`the program runs all the same where ${what}`, (t) => {
    const cli = copyOfBuild(t);
    const help = helpOf(cli);
    spoil(cli);
    assert.equal(helpOf(cli), help);
    const store = join(temporaryDirectory(t), 'store');
    const put = [join(cli, 'cairn.cjs'), '--store', store, 'put', join(cli, 'cairn.js')];
    assert.match(execFileSync(process.execPath, put, { encoding: 'utf8' }), /^sha512-/);
  });
}
