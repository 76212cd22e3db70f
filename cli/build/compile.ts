/** The last step of a build: runs the most common commands of the bundle once, and keeps the code that V8 compiled. */
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { Script } from 'node:vm';
import { pack } from 'tar-stream';
import { compileBundle, keepCompiled, runBundle } from '../program.js';

const NAME = 'example.com/compiled';
const MANIFEST = { acKind: 'ImageManifest', acVersion: '0.8.11', name: NAME };

const script = compileBundle() as Script;
const main = runBundle(script);
const dir = fs.mkdtempSync(join(tmpdir(), 'cairn-compile-'));
try {
  const image = join(dir, 'image.aci');
  fs.writeFileSync(image, await packImage());
  for (const args of [['import', image], ['render', NAME], ['render', NAME], ['check'], ['ls'], ['rm', NAME]]) {
    const code = await main(['--store', join(dir, 'store'), ...args], '0');
    if (code !== 0) throw new Error(`${args[0]} ended with ${code}`);
  }
  keepCompiled(script);
} finally {
  fs.rmSync(dir, { recursive: true });
}

function packImage(): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: 'manifest' }, JSON.stringify(MANIFEST));
  tar.entry({ name: 'rootfs', type: 'directory' });
  tar.entry({ name: 'rootfs/file' }, 'content');
  tar.finalize();
  return buffer(tar);
}
