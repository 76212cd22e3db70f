/** The package as its users get it: packed, installed elsewhere, imported by name. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { aci } from '../fixtures/archive.js';
import { temporaryDirectory } from '../fixtures/cli.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

test('the packed tarball holds the program and the engine, and works where it is unpacked', (t) => {
  const dir = temporaryDirectory(t);
  const packed = execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', dir], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  execFileSync('tar', ['xf', join(dir, packed.trim()), '-C', dir]);
  // Its dependencies are those of the checkout; what is tested is what the tarball itself brings.
  const modules = join(dir, 'node_modules');
  fs.mkdirSync(modules);
  for (const name of fs.readdirSync(join(ROOT, 'node_modules')))
    fs.symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  fs.renameSync(join(dir, 'package'), join(modules, 'cairn'));
  fs.writeFileSync(join(dir, 'app.aci'), aci({ name: 'example.com/app' }, [{ name: 'f', content: 'hello' }]));
  fs.writeFileSync(
    join(dir, 'use.mjs'),
    `import { openStore } from 'cairn';
const store = await openStore({ dir: './store' });
await store.import('./app.aci');
const { path } = await store.render('example.com/app');
console.log(path);
await store.close();
`,
  );
  const path = execFileSync(process.execPath, ['use.mjs'], { cwd: dir, encoding: 'utf8' }).trim();
  assert.equal(fs.readFileSync(join(path, 'f'), 'utf8'), 'hello');
  const version = execFileSync(process.execPath, [join(modules, 'cairn', 'dist', 'cli', 'cairn.cjs'), '--version'], {
    encoding: 'utf8',
  });
  assert.match(version, /^\d+\.\d+\.\d+\n$/);
  assert.equal(fs.existsSync(join(modules, 'cairn', 'dist', 'test')), false);
});
