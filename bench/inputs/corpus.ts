/**
 * The corpus that is measured: one tree as a flat tar, as layers and as a chain of ACIs, all with the same files.
 * Beside it lie many packages, each an ACI of its own.
 *
 *     rootfs/flat.tar                 the merged tree
 *     rootfs/layers/layerN.tar.gz     the same as OCI layers, lowest first; later ones may hold whiteouts
 *     rootfs/oci/                     these layers as an image layout, its image tagged latest
 *     rootfs/aci/gz/layerN.aci        the same as ACIs named example.com/layerN, each depending on the one before
 *     debs/*.aci                      packages that depend on nothing
 */
import * as fs from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { installedPackages, packImage, packTar } from './images.js';
import { writeLayout } from './layout.js';

export interface Corpus {
  flat: string;
  /** Lowest first. */
  layers: readonly string[];
  /** Lowest first. */
  images: readonly string[];
  /** An image layout of the layers, with its tag. */
  layout: { dir: string; tag: string };
  /** The names of the images; the last one is the uppermost. */
  names: readonly string[];
  /** ACIs that depend on nothing. */
  packages: readonly string[];
}

const LAYERS = [1, 2, 3, 4];
const VERSION = '1.0.0';

function treesAt(dir: string): Omit<Corpus, 'packages'> {
  return {
    flat: join(dir, 'flat.tar'),
    layers: LAYERS.map((n) => join(dir, 'layers', `layer${n}.tar.gz`)),
    images: LAYERS.map((n) => join(dir, 'aci', 'gz', `layer${n}.aci`)),
    layout: { dir: join(dir, 'oci'), tag: 'latest' },
    names: LAYERS.map(nameOf),
  };
}

function nameOf(layer: number): string {
  return `example.com/layer${layer}`;
}

/**
 * @param dir the corpus, or its `rootfs`
 * @param scratch where packages are packed, if the corpus has none
 * @throws Error that names what is missing
 */
export async function openCorpus(dir: string, scratch: string): Promise<Corpus> {
  const whole = basename(resolve(dir)) === 'rootfs' ? dirname(resolve(dir)) : resolve(dir);
  const trees = treesAt(fs.existsSync(join(dir, 'flat.tar')) ? dir : join(whole, 'rootfs'));
  const missing = [trees.flat, trees.layout.dir, ...trees.layers, ...trees.images].filter(
    (file) => !fs.existsSync(file),
  );
  if (missing.length > 0) throw new Error(`not a corpus: ${missing.join(', ')} missing`);
  const found = acisIn(join(whole, 'debs'));
  return { ...trees, packages: found.length > 0 ? found : await packPackages(join(scratch, 'packages')) };
}

function acisIn(dir: string): string[] {
  if (!fs.existsSync(dir)) return [];
  const names = fs.readdirSync(dir).filter((name) => name.endsWith('.aci'));
  return names.sort().map((name) => join(dir, name));
}

/** A small corpus from the npm packages installed here, for machines that have no larger one. */
export async function buildCorpus(dir: string): Promise<Corpus> {
  const trees = treesAt(dir);
  for (const sub of ['layers', join('aci', 'gz')]) fs.mkdirSync(join(dir, sub), { recursive: true });
  const packages = installedPackages();
  const share = Math.ceil(packages.length / LAYERS.length);
  for (const [i, n] of LAYERS.entries()) {
    const directories = packages.slice(i * share, (i + 1) * share);
    await packTar(trees.layers[i] as string, { directories }, true);
    await packImage(trees.images[i] as string, {
      name: nameOf(n),
      version: VERSION,
      dependencies: i === 0 ? [] : [{ name: nameOf(n - 1), version: VERSION }],
      directories,
    });
  }
  writeLayout(trees.layout.dir, trees.layers);
  await packTar(trees.flat, { directories: packages }, false);
  return { ...trees, packages: await packPackages(join(dir, 'packages')) };
}

/** Each npm package installed here as an image of its own. */
async function packPackages(dir: string): Promise<string[]> {
  fs.mkdirSync(dir, { recursive: true });
  const packed: string[] = [];
  for (const each of installedPackages()) {
    const name = basename(each.from).toLowerCase();
    const file = join(dir, `${name}.aci`);
    await packImage(file, { name: `example.com/npm/${name}`, version: VERSION, directories: [each] });
    packed.push(file);
  }
  return packed;
}
