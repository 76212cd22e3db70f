/** Users and passwords before hosts are shown nowhere; whatever else has an `@` stays as it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CairnError } from '../../engine/core/errors.js';
import { quoted } from '../../engine/core/printable.js';
import { withoutSecrets } from '../../engine/core/without-secrets.js';

const HEX = '0123456789abcdef'.repeat(4);

test('users and passwords become dots', () => {
  for (const [text, shown] of [
    ['https://me:secret@example.com/app.aci', 'https://…@example.com/app.aci'],
    ['no such file: https://secret@example.com/x', 'no such file: https://…@example.com/x'],
    ['"docker://me:sec%40ret@127.0.0.1:5000/app:1" is wrong', '"docker://…@127.0.0.1:5000/app:1" is wrong'],
    ['DOCKER://me:s,e;c!@h/x and http://a:b@c/d', 'DOCKER://…@h/x and http://…@c/d'],
    ['me:secret@127.0.0.1:5000/team/app: a colon', '…@127.0.0.1:5000/team/app: a colon'],
    [`docker://me:secret@h/x@sha256:${HEX}`, `docker://…@h/x@sha256:${HEX}`],
  ] as const)
    assert.equal(withoutSecrets(text), shown);
});

test('digests, tags, mail addresses and other names stay', () => {
  for (const text of [
    `docker://app@sha256:${HEX}`,
    `docker://localhost:5000/team/app:1@sha256:${HEX}`,
    `app:1@sha256:${HEX}`,
    `oci:lay:app@sha256:${HEX}`,
    'app:1.0@beta is not in the store',
    'signed by Alice <alice@example.com>',
    'https://example.com/@scope/app?at=a@b',
    '/srv/a:b@c/d.aci',
  ])
    assert.equal(withoutSecrets(text), text);
});

test('no error repeats them, however long they are', () => {
  const secret = 'hunter2'.repeat(50);
  const given = `https://me:${secret}@example.com/app`;
  const error = new CairnError('ERR_NOT_FOUND', `no such file: ${given}`, { path: given, entry: given });
  assert.ok(!`${JSON.stringify(error)}${error.stack}${quoted(given)}`.includes('hunter2'));
});
