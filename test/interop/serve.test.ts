/** Other programs pull from a served store: skopeo and podman, while gc and imports run, and another cairn. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { aci, tar } from '../fixtures/archive.js';
import { ociLayout } from '../fixtures/oci.js';
import { missing } from '../fixtures/peers.js';
import { LAYERS, noise, Served } from '../fixtures/served.js';

const run = promisify(execFile);

/** Imports and collects without a pause, until told to stop. */
async function churn(served: Served, stop: { now: boolean }): Promise<number> {
  let rounds = 0;
  for (; !stop.now; rounds++) {
    const file = join(served.dir, 'churn.aci');
    fs.writeFileSync(
      file,
      aci({ name: `example.com/churn-${rounds}` }, [{ name: 'f', content: noise(10_000 + rounds) }]),
    );
    const { key } = await served.store.import(file);
    if (rounds % 2 === 0) await served.store.untag([`example.com/churn-${rounds}`]);
    else await served.store.rm([key]);
    await served.store.gc({ graceMs: 0 });
  }
  return rounds;
}

test('skopeo copies while gc and imports run, and gets the digests that are told', {
  skip: missing('skopeo'),
}, async (t) => {
  const served = await Served.start({ write: true });
  t.after(() => served.stop());
  await served.fill();
  const stop = { now: false };
  const churning = churn(served, stop);
  try {
    for (const [name, i] of [
      ['app:gzip', 0],
      ['kept:1', 1],
      ['app:gzip', 2],
    ] as const) {
      const dir = join(served.dir, `copied-${i}`);
      const source = `docker://${served.host}/${name}`;
      await run('skopeo', ['copy', '--src-tls-verify=false', '--preserve-digests', source, `dir:${dir}`]);
      const { Digest, RepoTags } = JSON.parse(
        (await run('skopeo', ['inspect', '--tls-verify=false', source])).stdout,
      ) as { Digest: string; RepoTags: string[] };
      const [repository, tag] = name.split(':') as [string, string];
      assert.deepEqual(RepoTags, [tag]);
      const told = await served.ask(`/v2/${repository}/manifests/${tag}`);
      assert.equal(told.headers['docker-content-digest'], Digest);
      assert.ok(fs.readFileSync(join(dir, 'manifest.json')).equals(told.body));
      const { layers } = told.json<{ layers: { digest: string }[] }>();
      for (const { digest } of layers) assert.ok(fs.existsSync(join(dir, digest.slice('sha256:'.length))));
    }
  } finally {
    stop.now = true;
    assert.ok((await churning) > 0);
  }
  const { ok } = await served.store.check();
  assert.ok(ok);
});

test('podman pulls by tag and by digest, also with a token', { skip: missing('podman') }, async (t) => {
  const served = await Served.start();
  t.after(() => served.stop());
  await served.fill();
  const own = ['--root', join(served.dir, 'podman'), '--runroot', join(served.dir, 'run'), '--storage-driver', 'vfs'];
  const { headers } = await served.ask('/v2/app/manifests/gzip');
  const digest = headers['docker-content-digest'] as string;
  for (const ref of ['app:gzip', `app@${digest}`, 'kept:1'])
    await run('podman', [...own, 'pull', '-q', '--tls-verify=false', `${served.host}/${ref}`]);
  const { stdout } = await run('podman', [
    ...own,
    'image',
    'inspect',
    '--format',
    '{{.Digest}}',
    `${served.host}/app:gzip`,
  ]);
  assert.equal(stdout.trim(), digest);
  const tokenFile = join(served.dir, 'tokens');
  fs.writeFileSync(tokenFile, 'a-token-that-is-long-enough\n', { mode: 0o600 });
  const guarded = await Served.start({ tokenFile }, async () => served.store);
  t.after(() => guarded.server.close());
  const ref = `${guarded.host}/kept:1`;
  await assert.rejects(run('podman', [...own, 'pull', '-q', '--tls-verify=false', ref]));
  const creds = ['--creds', 'me:a-token-that-is-long-enough'];
  await run('podman', [...own, 'pull', '-q', '--tls-verify=false', ...creds, ref]);
});

test('an image for two platforms is picked apart by skopeo', { skip: missing('skopeo') }, async (t) => {
  const served = await Served.start();
  t.after(() => served.stop());
  const dir = join(served.dir, 'two');
  const platforms = ['amd64', 'arm64'];
  ociLayout(
    dir,
    platforms.map((architecture) => ({
      ref: architecture,
      layers: [LAYERS[0] as Buffer, tar([{ name: architecture, content: architecture }])],
      platform: { os: 'linux', architecture },
    })),
  );
  for (const each of platforms) await served.store.import(`${dir}:${each}`, { name: 'two:1' });
  for (const each of platforms) {
    const args = [
      '--override-arch',
      each,
      'inspect',
      '--config',
      '--tls-verify=false',
      `docker://${served.host}/two:1`,
    ];
    const { architecture } = JSON.parse((await run('skopeo', args)).stdout) as { architecture: string };
    assert.equal(architecture, each);
  }
  const all = join(served.dir, 'all');
  await run('skopeo', ['copy', '--all', '--src-tls-verify=false', `docker://${served.host}/two:1`, `dir:${all}`]);
});
