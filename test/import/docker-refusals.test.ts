/** Docker archives that are damaged or mean harm. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type EntrySpec, tar } from '../fixtures/archive.js';
import { dockerEntries } from '../fixtures/oci.js';
import { type Case, GOOD, type Make, refusesAll } from '../fixtures/refusals.js';

const MISMATCH = 'ERR_DIGEST_MISMATCH';
const MANIFEST = 'ERR_BAD_MANIFEST';
const ARCHIVE = 'ERR_BAD_ARCHIVE';

const SECRETS = ['../../etc/passwd', '../outside/secret', '/etc/passwd', 'a/../../../outside/secret'];

/** An archive of `docker save`, with its list of images changed. */
function docker(old: boolean, change: (list: Record<string, unknown>) => void): EntrySpec[] {
  const entries = dockerEntries([{ ...GOOD, ref: 'app:1' }], old).filter(
    ({ name }) => old || !['index.json', 'oci-layout'].includes(name as string),
  );
  return entries.map((each): EntrySpec => {
    if (each.name !== 'manifest.json') return each;
    const list = JSON.parse(each.content as string) as Record<string, unknown>[];
    change(list[0] as Record<string, unknown>);
    return { ...each, content: JSON.stringify(list) };
  });
}

function packed(entries: EntrySpec[]): Make {
  return (dir) => {
    fs.mkdirSync(dir);
    fs.writeFileSync(join(dir, 'docker.tar'), tar(entries));
    return join(dir, 'docker.tar');
  };
}

/** The same files, in a directory. */
function unpacked(entries: EntrySpec[]): Make {
  return (dir) => {
    for (const { name, flag, content } of entries) {
      if (flag === '5') continue;
      const path = join(dir, name as string);
      fs.mkdirSync(join(path, '..'), { recursive: true });
      fs.writeFileSync(path, content ?? '');
    }
    return dir;
  };
}

function without(list: Record<string, unknown>, field: string): void {
  delete list[field];
}

/** All layers are one member that is no file. This member comes last: the first one tells the form of the archive. */
function linked(link: string, flag = '2'): EntrySpec[] {
  const entries = docker(true, (list) => (list['Layers'] = ['x/layer.tar', 'x/layer.tar']));
  return [...entries, { name: 'x/layer.tar', flag, link }];
}

const DOCKER: readonly Case[] = [
  ...SECRETS.flatMap((secret): Case[] => [
    [`Config is ${secret}`, packed(docker(true, (list) => (list['Config'] = secret))), MANIFEST],
    [`Layers are ${secret}`, packed(docker(true, (list) => (list['Layers'] = [secret, secret]))), MANIFEST],
    [`Config is ${secret}, in a directory`, unpacked(docker(true, (list) => (list['Config'] = secret))), MANIFEST],
    [`a layer is a symlink to ${secret}`, packed(linked(secret)), ARCHIVE, /leaves the root|has no x\/layer\.tar/],
  ]),
  ['a layer is a symlink to itself', packed(linked('layer.tar')), ARCHIVE, /has no x\/layer\.tar/],
  ['a layer is a symlink to a directory', packed(linked('..')), ARCHIVE, /has no x\/layer\.tar|needs a name/],
  ['a layer is a fifo', packed(linked('', '6')), ARCHIVE, /has no x\/layer\.tar/],
  [
    'a layer is a hard link to a file of the system',
    packed(linked('/etc/passwd', '1')),
    ARCHIVE,
    /has no x\/layer\.tar/,
  ],
  [
    'two members of one name',
    packed([...docker(true, () => {}), { name: './manifest.json', content: '[]' }]),
    ARCHIVE,
    /duplicate/,
  ],
  [
    'a tag that leads elsewhere',
    packed(docker(true, (list) => (list['RepoTags'] = ['../../outside/secret:latest']))),
    MANIFEST,
    /not an image reference/,
  ],
  [
    'fewer Layers than diffIDs',
    packed(docker(true, (list) => (list['Layers'] = (list['Layers'] as string[]).slice(1)))),
    MANIFEST,
  ],
  ['Layers in another order', packed(docker(true, (list) => (list['Layers'] as string[]).reverse())), MISMATCH],
  [
    'Layers in another order, the new form',
    packed(docker(false, (list) => (list['Layers'] as string[]).reverse())),
    MISMATCH,
  ],
  ['no Config', packed(docker(true, (list) => without(list, 'Config'))), MANIFEST],
  ['no Layers', packed(docker(true, (list) => without(list, 'Layers'))), MANIFEST],
  ['Layers that are no list', packed(docker(true, (list) => (list['Layers'] = 'x'))), MANIFEST],
  [
    'a Config of other bytes',
    packed(
      docker(true, () => {}).map((each) =>
        String(each.name).endsWith('.json') && each.name !== 'manifest.json'
          ? { ...each, content: `${each.content} ` }
          : each,
      ),
    ),
    MISMATCH,
  ],
  ['a manifest.json that is not JSON', packed([{ name: 'manifest.json', content: '[' }]), MANIFEST],
  ['a manifest.json without images', packed([{ name: 'manifest.json', content: '[]' }]), 'ERR_NOT_AN_IMAGE'],
  ['a manifest.json of 5 MiB', packed([{ name: 'manifest.json', content: '[]'.padEnd(5 * 2 ** 20) }]), ARCHIVE],
];

test('docker archives that are refused', (t) => refusesAll(t, DOCKER));
