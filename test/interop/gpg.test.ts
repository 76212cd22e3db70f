/** Keys and signatures that gpg has made. The test is skipped where it is missing, and says so. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { addKey } from '../../engine/trust/change-keys.js';
import { verifySignature } from '../../engine/trust/openpgp.js';
import { readKeys } from '../../engine/trust/read-keys.js';
import { trustedKeys } from '../../engine/trust/trusted-keys.js';
import { temporaryDirectory } from '../fixtures/cli.js';

const MISSING = spawnSync('gpg', ['--version']).status === 0 ? false : 'gpg is not installed';
const NAME = 'example.com/app';

class Gpg {
  readonly #home: string;

  constructor(t: TestContext) {
    this.#home = temporaryDirectory(t);
    // Its agent would stay behind.
    t.after(() => spawnSync('gpgconf', ['--homedir', this.#home, '--kill', 'all']));
  }

  run(...args: string[]): Buffer {
    const { status, stdout, stderr } = spawnSync('gpg', ['--homedir', this.#home, '--batch', '--quiet', ...args]);
    assert.equal(status, 0, `gpg ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  makeKey(algorithm: string): void {
    const unprotected = ['--passphrase', '', '--pinentry-mode', 'loopback'];
    this.run(...unprotected, '--quick-gen-key', 'Alice <alice@example.com>', algorithm, 'sign', '1y');
  }
}

for (const algorithm of ['ed25519', 'rsa2048', 'nistp256']) {
  test(`signatures of gpg with ${algorithm} are verified, armored and binary`, { skip: MISSING }, async (t) => {
    const gpg = new Gpg(t);
    gpg.makeKey(algorithm);
    const dir = temporaryDirectory(t);
    const image = join(dir, 'app.aci');
    fs.writeFileSync(image, 'the bytes of an image');
    const dirs = [join(dir, 'keys')];
    for (const key of await readKeys(gpg.run('--export'), 'gpg')) await addKey(dirs, key, NAME);
    const keys = await trustedKeys(dirs, NAME);
    for (const armor of [['--armor'], []]) {
      const signature = gpg.run(...armor, '--detach-sign', '--output', '-', image);
      const { by } = await verifySignature({ content: image, signature, keys });
      assert.equal(by, 'Alice <alice@example.com>');
      const other = [Buffer.from('other bytes')];
      await assert.rejects(verifySignature({ content: streamOf(other), signature, keys }), {
        code: 'ERR_BAD_SIGNATURE',
      });
    }
    const text = gpg.run('--textmode', '--detach-sign', '--output', '-', image);
    await assert.rejects(verifySignature({ content: image, signature: text, keys }), { message: /made for text/ });
    // With curves of NIST it refuses to.
    if (algorithm === 'nistp256') return;
    const weak = gpg.run('--digest-algo', 'SHA1', '--detach-sign', '--output', '-', image);
    await assert.rejects(verifySignature({ content: image, signature: weak, keys }), { message: /SHA-1 is too weak/ });
  });
}

async function* streamOf(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}
