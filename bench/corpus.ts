/** What is measured: a chain of images, the same layers as plain tars, and the merged tree as one tar. */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isInstalled, sh } from './contest.js';
import { packImage } from './images.js';

export interface Corpus {
  /** Gzipped ACIs, each depending on the one before. */
  images: string[];
  /** Name of the last one. */
  top: string;
  /** The same layers as gzipped tars, to be extracted in order. */
  layers: string[];
  /** The merged tree. */
  flat: string;
}

/** `flat.tar`, `layers/layerN.tar.gz` and `aci/gz/layerN.aci` in a directory, the images named `example.com/layerN`. */
export function corpusAt(dir: string): Corpus {
  const numbers = fs
    .readdirSync(join(dir, 'aci', 'gz'))
    .flatMap((name) => /^layer(\d+)\.aci$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
  return {
    images: numbers.map((n) => join(dir, 'aci', 'gz', `layer${n}.aci`)),
    top: `example.com/layer${numbers.at(-1)}`,
    layers: numbers.map((n) => join(dir, 'layers', `layer${n}.tar.gz`)),
    flat: join(dir, 'flat.tar'),
  };
}

/** Two layers of this checkout's own dependencies: small, but real. */
export async function smallCorpus(dir: string): Promise<Corpus> {
  const modules = fileURLToPath(new URL('../../node_modules/', import.meta.url));
  const names = fs.readdirSync(modules).filter((name) => !name.startsWith('.'));
  const halves = [names.slice(0, Math.ceil(names.length / 2)), names.slice(Math.ceil(names.length / 2))];
  const images: string[] = [];
  const layers: string[] = [];
  for (const [i, half] of halves.entries()) {
    const image = join(dir, `layer${i + 1}.aci`);
    await packImage(image, {
      name: `example.com/layer${i + 1}`,
      version: '1.0.0',
      ...(i === 0 ? {} : { dependencies: [{ name: `example.com/layer${i}`, version: '1.0.0' }] }),
      directories: half.map((name) => ({ from: join(modules, name), to: name })),
    });
    images.push(image);
    const root = join(dir, `unpacked${i + 1}`);
    fs.mkdirSync(root);
    sh(`tar xzf ${image} -C ${root}`);
    layers.push(join(dir, `layer${i + 1}.tar.gz`));
    sh(`tar czf ${layers[i]} -C ${root}/rootfs .`);
  }
  const merged = join(dir, 'merged');
  fs.mkdirSync(merged);
  for (const layer of layers) sh(`tar xzf ${layer} -C ${merged}`);
  sh(`tar cf ${join(dir, 'flat.tar')} -C ${merged} .`);
  return { images, top: 'example.com/layer2', layers, flat: join(dir, 'flat.tar') };
}

/** What the numbers were taken on. */
export function describeMachine(dir: string): Record<string, string> {
  const first = (command: string): string =>
    spawnSync('bash', ['-c', command], { encoding: 'utf8' }).stdout.trim().split('\n')[0] ?? '';
  return {
    processor: first("sed -n 's/^model name.*: //p' /proc/cpuinfo"),
    cores: first('nproc'),
    kernel: first('uname -r'),
    'file system': first(`stat -f -c %T ${dir}`),
    node: process.version,
    tar: first('tar --version'),
    bsdtar: isInstalled('bsdtar') ? first('bsdtar --version') : 'not installed, skipped',
  };
}
