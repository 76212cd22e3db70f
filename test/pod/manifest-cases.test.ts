/** The pod manifests of rkt's own tests, each as a bundle, and run for real where the machine can. */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import { after, before, test } from 'node:test';
import { isCairnError } from '../../engine/core/errors.js';
import type { Bundle } from '../../engine/pod/bundle/options.js';
import { checkRan, hostVolume, POD_CASES, point, REMOVE, RETAIN } from '../fixtures/pod-cases.js';
import { configOf, type PodSpec, PodTests } from '../fixtures/pods.js';
import { NO_RUNTIME, RUNTIME, runBundle } from '../fixtures/runtime.js';

const pods = new PodTests();
before(() => pods.open());
after(() => pods.close());

for (const each of POD_CASES) {
  test(each.name, async (t) => {
    const host = pods.hostDirectory({ file: '' });
    const [bundle] = (await pods.bundle(each.spec(host))) as [Bundle];
    each.config?.(configOf(bundle), host);
    if (NO_RUNTIME !== false) t.diagnostic(`not run: ${NO_RUNTIME}`);
    else if (each.isLong !== true && (each.only ?? RUNTIME) === RUNTIME)
      checkRan(each, await runBundle(bundle.dir), host);
  });
}

const REFUSALS: [name: string, spec: PodSpec, code: string, entry: string, message: RegExp][] = [
  ['a user without a line', { app: { user: 'user2' } }, 'ERR_NOT_FOUND', 'app.user', /"user2" user not found$/],
  ['a group without a line', { app: { group: 'group2' } }, 'ERR_NOT_FOUND', 'app.group', /"group2" group not found$/],
  [
    'a user whose line is malformed',
    { app: { user: 'broken' } },
    'ERR_NOT_FOUND',
    'app.user',
    /"broken" user not found \(\/etc\/passwd, line 2: expected at least 7 fields, got 2\)/,
  ],
  [
    'a group whose line is malformed',
    { app: { group: 'broken' } },
    'ERR_NOT_FOUND',
    'app.group',
    /expected at least 4 fields, got 1/,
  ],
  ['a path without a file', { app: { user: '/etc/nofile' } }, 'ERR_NOT_FOUND', 'app.user', /no such file or directory/],
  [
    'the same for a group',
    { app: { group: '/etc/nofile' } },
    'ERR_NOT_FOUND',
    'app.group',
    /no such file or directory/,
  ],
  ['a negative user', { app: { user: '-1' } }, 'ERR_BAD_MANIFEST', 'app.user', /invalid uid: "-1"/],
  ['the number that means nobody', { app: { user: '4294967295' } }, 'ERR_BAD_MANIFEST', 'app.user', /invalid uid/],
  ['a number beyond ids', { app: { group: '4294967296' } }, 'ERR_BAD_MANIFEST', 'app.group', /invalid gid/],
  ['no command', { app: { exec: [] } }, 'ERR_BAD_MANIFEST', 'app.exec', /app has no executable/],
  [
    'a command that is nowhere',
    { app: { exec: ['nothing'] } },
    'ERR_NOT_FOUND',
    'app.exec',
    /unable to find "nothing" in "\/:\/bin:\/usr\/bin"/,
  ],
  [
    'a working directory that is not there',
    { app: { workingDirectory: '/none' } },
    'ERR_NOT_FOUND',
    'app.workingDirectory',
    /"\/none" is not there/,
  ],
  [
    'a working directory that is a file',
    { app: { workingDirectory: '/dir1/file' } },
    'ERR_BAD_MANIFEST',
    'app.workingDirectory',
    /is no directory/,
  ],
  [
    'a mount of a volume that is not there',
    { app: {}, runtime: { mounts: [{ volume: 'none', path: '/x' }] } },
    'ERR_BAD_MANIFEST',
    'pod manifest: apps[0].mounts[0].volume',
    /could not find volume "none"/,
  ],
  [
    'capabilities retained and removed',
    { app: { isolators: [...RETAIN('CAP_CHOWN'), ...REMOVE('CAP_KILL')] } },
    'ERR_BAD_MANIFEST',
    'app.isolators[1].value',
    /cannot have both os\/linux\/capabilities-retain-set and os\/linux\/capabilities-remove-set/,
  ],
  [
    'a source that is not there',
    { app: { mountPoints: [point(false)] }, volumes: [hostVolume('/this/directory/does/not/exist')] },
    'ERR_NOT_FOUND',
    'app.mountPoints[0]',
    /the source of the volume is not there: \/this/,
  ],
  ['neither pod nor image has an app', {}, 'ERR_BAD_MANIFEST', 'app', /neither the pod manifest nor the image/],
];

for (const [name, spec, code, entry, message] of REFUSALS) {
  test(`refused: ${name}`, async () => {
    const before = fs.readdirSync(pods.dir).length;
    await assert.rejects(pods.bundle(spec), (error: Error) => {
      assert.ok(isCairnError(error), error.stack);
      assert.equal(error.code, code);
      assert.equal(error.entry, entry.startsWith('pod manifest') ? entry : `app inspect: ${entry}`);
      assert.match(error.message, message);
      return true;
    });
    assert.equal(fs.readdirSync(pods.dir).length, before, 'nothing is left');
  });
}
