/** One `policy.json`, asked by cairn and by skopeo: both take the same images, and refuse the same. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { tar } from '../fixtures/archive.js';
import { cairn, temporaryDirectory } from '../fixtures/cli.js';
import { payloadOf, pemOf, putSignatures, SigningKey } from '../fixtures/cosign.js';
import { digestOf } from '../fixtures/oci.js';
import { missing } from '../fixtures/peers.js';
import { TestRegistry } from '../fixtures/registry-server.js';

const KEY = new SigningKey();
const OTHER = new SigningKey();
const IMAGE = { layers: [tar([{ name: 'hello', content: 'hello' }])] };

test('skopeo and cairn come to the same verdict', { skip: missing('skopeo') }, async (t) => {
  const dir = temporaryDirectory(t);
  const registry = await TestRegistry.start(t);
  const { host } = registry;
  const key = join(dir, 'cosign.pub');
  fs.writeFileSync(key, pemOf(KEY));
  const rule = (signedIdentity: object): object => ({ type: 'sigstoreSigned', keyPath: key, signedIdentity });
  const repository = rule({ type: 'matchRepository' });
  const exact = rule({ type: 'matchRepoDigestOrExact' });
  const reject = { type: 'reject' };
  const accept = { type: 'insecureAcceptAnything' };
  const bad = digestOf(Buffer.from('other'));

  const docker: Record<string, object[]> = {};
  const wanted: Record<string, boolean> = {};
  interface Case {
    rules: object[];
    isTaken: boolean;
    signed?: { key?: SigningKey; reference?: string; digest?: string };
  }
  const cases: Record<string, Case> = {
    signed: { rules: [repository], signed: {}, isTaken: true },
    'signed/with-its-tag': { rules: [exact], signed: { reference: `${host}/signed/with-its-tag:1` }, isTaken: true },
    'without-its-tag': { rules: [exact], signed: {}, isTaken: false },
    'another-tag': { rules: [exact], signed: { reference: `${host}/another-tag:2` }, isTaken: false },
    'another-name': { rules: [repository], signed: { reference: `${host}/signed` }, isTaken: false },
    'another-key': { rules: [repository], signed: { key: OTHER }, isTaken: false },
    'another-digest': { rules: [repository], signed: { digest: bad }, isTaken: false },
    unsigned: { rules: [repository], isTaken: false },
    accepted: { rules: [accept], isTaken: true },
    'accepted/but-rejected': { rules: [reject], isTaken: false },
    'accepted/and-signed': { rules: [accept, repository], isTaken: false },
    both: { rules: [accept, repository], signed: {}, isTaken: true },
  };
  for (const [name, { rules, isTaken, signed }] of Object.entries(cases)) {
    docker[`${host}/${name}`] = rules;
    wanted[name] = isTaken;
    const digest = registry.hold(join(dir, name.replaceAll('/', '-')), name, '1', IMAGE);
    if (signed === undefined) continue;
    const payload = payloadOf({ digest, reference: `${host}/${name}`, ...signed });
    putSignatures(registry, { repository: name, digest }, [(signed.key ?? KEY).sign(payload)]);
  }
  registry.hold(join(dir, 'elsewhere'), 'elsewhere', '1', IMAGE);
  wanted['elsewhere'] = false;

  const policy = join(dir, '.config/containers/policy.json');
  fs.mkdirSync(join(dir, '.config/containers/registries.d'), { recursive: true });
  fs.writeFileSync(policy, JSON.stringify({ default: [reject], transports: { docker } }));
  const lookaside = `default-docker:\n  use-sigstore-attachments: true\n`;
  fs.writeFileSync(join(dir, '.config/containers/registries.d/default.yaml'), lookaside);
  fs.writeFileSync(join(dir, 'registries.conf'), '');
  const env = { HOME: dir, XDG_RUNTIME_DIR: dir, CONTAINERS_REGISTRIES_CONF: join(dir, 'registries.conf') };

  /** @returns undefined if it cannot judge: Debian's skopeo knows no sigstore, and refuses for that reason. */
  const skopeo = async (name: string): Promise<boolean | undefined> => {
    const own = ['--policy', policy, '--registries.d', join(dir, '.config/containers/registries.d')];
    const args = ['copy', '--remove-signatures', '--src-tls-verify=false', `docker://${host}/${name}:1`];
    const child = spawn('skopeo', [...own, ...args, `dir:${join(dir, 'copies', name.replaceAll('/', '-'))}`], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const [complaint, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    return complaint.includes('sigstore disabled') ? undefined : code === 0;
  };
  fs.mkdirSync(join(dir, 'copies'));
  const names = Object.keys(wanted);
  for (const name of names) {
    const verdict = await skopeo(name);
    if (verdict === undefined) t.diagnostic(`skopeo cannot judge ${name}`);
    else assert.equal(verdict, wanted[name], name);
  }

  const refs = names.map((name) => `docker://${host}/${name}:1`);
  const ran = await cairn(['fetch', '--json', '--keep-going', ...refs], { store: join(dir, 'store'), env });
  const told = ran.json<{ error?: { code: string; message: string } }[]>();
  const ofCairn = Object.fromEntries(names.map((name, i) => [name, told[i]?.error === undefined]));
  assert.deepEqual(ofCairn, wanted, ran.stdout.toString());
});
