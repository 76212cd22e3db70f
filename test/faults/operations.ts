/** The commands that are killed and made to fail, each with the state of the store at its beginning. */
import { cairn } from '../fixtures/cli.js';
import { PODS, type Seed } from './ground.js';
import { inPacks } from './layouts.js';
import type { Place } from './place.js';

/** The name of a backup among the outputs. */
export const BACKUP = 'backup';

export interface Operation {
  name: string;
  seed: Seed;
  args: (place: Place) => string[];
  /** Kinds of lines that a crash may take away, though they are there before and after the command. */
  fragile?: 'tree';
  /** Kinds of things that the command drops if it cannot read them. */
  drops?: 'tree';
  /** Whether references are counted anew after the command met damage. */
  recount?: true;
  /** Set for a command that writes to the index only that an image was used. It does not wait for that. */
  only?: 'notes use';
  /** The operation is left out on stores of files. */
  onPacks?: true;
  /** The operation is left out if the program's help for `command` lacks `word`: an older version. */
  needs?: { command?: string; word: string };
}

const POD = { word: 'pod' };
const REPACK = { word: 'repack' };

const source = (place: Place, name: string): string => `${place.sources}/${name}`;
const target = (place: Place, name: string): string => `${place.out}/${name}`;

export const OPERATIONS: readonly Operation[] = [
  { name: 'import into a new store', seed: 'none', args: (at) => ['import', source(at, 'base.aci')] },
  { name: 'import an ACI', seed: 'images', args: (at) => ['import', source(at, 'other.aci')] },
  {
    name: 'import an ACI and keep the archive',
    seed: 'images',
    args: (at) => ['import', '--keep-archive', source(at, 'other.aci')],
  },
  { name: 'import a large ACI', seed: 'images', args: (at) => ['import', source(at, 'huge.aci')] },
  { name: 'import a layout', seed: 'images', args: (at) => ['import', source(at, 'shop')] },
  {
    name: 'import several',
    seed: 'images',
    args: (at) => ['import', ...['other.aci', 'third.aci', 'shop'].map((name) => source(at, name))],
  },
  {
    name: 'import two builds of an image',
    seed: 'images',
    args: (at) => ['import', ...['twin.aci', 'rebuilt.aci'].map((name) => source(at, name))],
    onPacks: true,
  },
  { name: 'import what was let go of', seed: 'orphans', args: (at) => ['import', source(at, 'other.aci')] },
  { name: 'import what is here', seed: 'images', args: (at) => ['import', source(at, 'base.aci')] },
  { name: 'put', seed: 'images', args: (at) => ['put', source(at, 'new.blob')] },
  { name: 'render an ACI', seed: 'images', args: () => ['render', '--mode', 'link', 'example.com/app'] },
  { name: 'render an OCI image', seed: 'images', args: () => ['render', '--mode', 'link', 'web:1'] },
  {
    name: 'render what is to be imported',
    seed: 'images',
    args: (at) => ['render', '--mode', 'link', source(at, 'shop')],
  },
  {
    name: 'render again',
    seed: 'trees',
    args: () => ['render', '--mode', 'link', '--rebuild', 'example.com/app'],
    fragile: 'tree',
  },
  {
    name: 'checkout',
    seed: 'images',
    args: (at) => ['checkout', 'example.com/app', target(at, 'tree')],
    only: 'notes use',
  },
  { name: 'rm', seed: 'trees', args: () => ['rm', 'example.com/app'], recount: true },
  { name: 'tree rm', seed: 'trees', args: () => ['tree', 'rm', 'example.com/app'] },
  { name: 'gc', seed: 'trees', args: () => ['gc', '--images', '--grace-period', '0s'], recount: true },
  {
    name: 'gc of what was let go of',
    seed: 'orphans',
    args: () => ['gc', '--images', '--grace-period', '0s'],
    recount: true,
  },
  {
    name: 'gc that writes a pack anew',
    seed: 'scattered',
    args: () => ['gc', '--grace-period', '0s'],
    recount: true,
    onPacks: true,
  },
  { name: 'pin', seed: 'images', args: () => ['pin', 'web:1'] },
  { name: 'lease', seed: 'trees', args: () => ['lease', 'add', 'example.com/app', '--ttl', '1h', '--holder', 'x'] },
  {
    name: 'export',
    seed: 'images',
    args: (at) => ['export', 'example.com/app', target(at, 'app.aci')],
    only: 'notes use',
  },
  {
    name: 'export a layout',
    seed: 'images',
    args: (at) => ['export', 'web:1', target(at, 'layout')],
    only: 'notes use',
  },
  {
    name: 'export a tree',
    seed: 'images',
    args: (at) => ['export', '--format', 'tar', 'web:1', target(at, 'web.tar')],
    only: 'notes use',
  },
  {
    name: 'repair',
    seed: 'orphans',
    args: () => ['fsck', '--repair'],
    drops: 'tree',
    needs: { command: 'fsck', word: '--repair' },
  },
  {
    name: 'rebuild the index',
    seed: 'pods',
    args: () => ['fsck', '--rebuild-index'],
    needs: { command: 'fsck', word: '--rebuild-index' },
  },
  { name: 'prepare a pod', seed: 'trees', args: () => ['pod', 'prepare', 'example.com/app', 'web:1'], needs: POD },
  { name: 'prepare a pod and render', seed: 'images', args: () => ['pod', 'prepare', 'web:1'], needs: POD },
  { name: 'pod rm', seed: 'pods', args: () => ['pod', 'rm', PODS[0]], needs: POD },
  { name: 'pod gc', seed: 'pods', args: () => ['pod', 'gc'], needs: POD },
  { name: 'gc with pods', seed: 'pods', args: () => ['gc', '--images', '--grace-period', '0s'], needs: POD },
  { name: 'repack', seed: 'trees', args: () => ['repack', '--layout', inPacks() ? 'loose' : 'packs'], needs: REPACK },
  { name: 'back up', seed: 'pods', args: (at) => ['backup', target(at, BACKUP)], needs: { word: 'backup' } },
];

/** The operations that this version of the program has. */
export async function availableOperations(): Promise<Operation[]> {
  const help = new Map<string, string>();
  const helpFor = async (command: string): Promise<string> => {
    const known =
      help.get(command) ?? (await cairn([...(command === '' ? [] : [command]), '--help'])).stdout.toString();
    help.set(command, known);
    return known;
  };
  const available: Operation[] = [];
  for (const operation of OPERATIONS) {
    const { needs, onPacks } = operation;
    if (onPacks === true && !inPacks()) continue;
    if (needs === undefined || (await helpFor(needs.command ?? '')).includes(needs.word)) available.push(operation);
  }
  return available;
}
