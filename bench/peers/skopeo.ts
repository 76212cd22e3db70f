/**
 * skopeo copies an OCI image into a containers-storage, as Podman and CRI-O have it. The overlay driver unpacks each
 * layer into a directory of its own; a runtime mounts these directories over one another. The vfs driver copies the
 * layer below before it unpacks the next one.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { isInstalled } from '../machine/installed.js';
import type { Peer } from '../measure/contestant.js';
import { remove, run } from '../measure/process.js';

type Driver = 'overlay' | 'vfs';

/** Where the image comes from. */
export interface SkopeoSource {
  prepare?(): Promise<void>;
  /** The image as skopeo calls it, and the flags that it needs. */
  arguments(): readonly string[];
}

export function skopeo(source: SkopeoSource, dir: string, driver: Driver): Peer {
  const root = join(dir, 'containers');
  const store = join(root, 'store');
  const merged = join(root, 'merged');
  let mounted = false;
  return {
    programs: ['skopeo', 'sync', ...(driver === 'overlay' ? ['mount', 'umount'] : [])],
    unfit: isInstalled('skopeo') ? whyNot(dir, driver) : undefined,
    contestant: {
      name: `skopeo copy to ${driver} storage + sync`,
      deviations: ['metadata of the root'],
      prepare: async () => {
        await source.prepare?.();
        fs.mkdirSync(root);
      },
      run: async (stopwatch) => {
        const storage = `containers-storage:[${driver}@${store}+${join(root, 'run')}]example.com/bench:latest`;
        await stopwatch.run(['skopeo', '--insecure-policy', 'copy', '--quiet', ...source.arguments(), storage]);
        await stopwatch.flush(root);
        if (driver === 'vfs') return join(store, 'vfs', 'dir', (chain(store, driver)[0] as Layer).id);
        // The tree to compare is the mount of all layers.
        fs.mkdirSync(merged);
        const lower = chain(store, driver).map(({ id }) => join(store, 'overlay', id, 'diff'));
        await run(['mount', '-t', 'overlay', 'overlay', '-o', `ro,lowerdir=${lower.join(':')}`, merged]);
        mounted = true;
        return merged;
      },
      clear: async () => {
        if (mounted) await run(['umount', merged]);
        mounted = false;
        // The driver mounts its directory on itself, and does not unmount it.
        if (driver === 'overlay') await run(['umount', join(store, 'overlay')]).catch(() => undefined);
        await remove(root);
      },
    },
  };
}

interface Layer {
  id: string;
  parent?: string;
}

/** The layers of the image in the storage, the uppermost one first. */
function chain(store: string, driver: Driver): Layer[] {
  const file = join(store, `${driver}-layers`, 'layers.json');
  const layers = JSON.parse(fs.readFileSync(file, 'utf8')) as Layer[];
  const found = [topLayer(layers)];
  for (let at = found[0]?.parent; at !== undefined; at = found.at(-1)?.parent)
    found.push(layers.find(({ id }) => id === at) as Layer);
  return found;
}

/** The layer that is no other layer's parent. There is only one, as the storage holds one image. */
function topLayer(layers: readonly Layer[]): Layer {
  return layers.find(({ id }) => !layers.some(({ parent }) => parent === id)) as Layer;
}

/** Only a mount shows whether the overlay driver works here. The vfs driver takes part where it does not work. */
function whyNot(dir: string, driver: Driver): string | undefined {
  const works = overlayWorks(dir);
  if (driver === 'overlay') return works ? undefined : 'no overlay can be mounted here';
  return works ? 'the overlay driver works here' : undefined;
}

let tried: boolean | undefined;

function overlayWorks(dir: string): boolean {
  if (tried !== undefined) return tried;
  const probe = fs.mkdtempSync(join(dir, 'overlay-'));
  const [lower, merged] = ['lower', 'merged'].map((name) => join(probe, name)) as [string, string];
  for (const path of [lower, `${lower}2`, merged]) fs.mkdirSync(path);
  const options = `ro,lowerdir=${lower}:${lower}2`;
  tried = spawnSync('mount', ['-t', 'overlay', 'overlay', '-o', options, merged]).status === 0;
  if (tried) spawnSync('umount', [merged]);
  fs.rmSync(probe, { recursive: true });
  return tried;
}
