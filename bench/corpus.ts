/**
 * What is measured: a directory tree as one flat tar, as layers, and as a chain of ACIs, all holding the same files.
 *
 *     flat.tar                 the merged tree
 *     layers/layerN.tar.gz     the same as OCI layers, lowest first; later ones may hold whiteouts
 *     oci/                     these layers as an image layout, its image tagged latest
 *     aci/gz/layerN.aci        the same as ACIs named example.com/layerN, each depending on the one before
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { installedPackages, packImage, packTar } from './images.js';
import { writeLayout } from './layout.js';

export interface Corpus {
  flat: string;
  /** Lowest first, as the images. */
  layers: readonly string[];
  images: readonly string[];
  /** An image layout of the layers, with its tag. */
  layout: { dir: string; tag: string };
  /** The name of the uppermost image. */
  top: string;
}

const LAYERS = [1, 2, 3, 4];

function corpusAt(dir: string): Corpus {
  return {
    flat: join(dir, 'flat.tar'),
    layers: LAYERS.map((n) => join(dir, 'layers', `layer${n}.tar.gz`)),
    images: LAYERS.map((n) => join(dir, 'aci', 'gz', `layer${n}.aci`)),
    layout: { dir: join(dir, 'oci'), tag: 'latest' },
    top: nameOf(LAYERS.length),
  };
}

function nameOf(layer: number): string {
  return `example.com/layer${layer}`;
}

/** @throws Error that names what is missing */
export function openCorpus(dir: string): Corpus {
  const corpus = corpusAt(dir);
  const missing = [corpus.flat, corpus.layout.dir, ...corpus.layers, ...corpus.images].filter(
    (file) => !fs.existsSync(file),
  );
  if (missing.length > 0) throw new Error(`not a corpus: ${missing.join(', ')} missing`);
  return corpus;
}

/** A small corpus from the npm packages installed here, for machines that have no larger one. */
export async function buildCorpus(dir: string): Promise<Corpus> {
  const corpus = corpusAt(dir);
  for (const sub of ['layers', join('aci', 'gz')]) fs.mkdirSync(join(dir, sub), { recursive: true });
  const packages = installedPackages();
  const share = Math.ceil(packages.length / LAYERS.length);
  const version = '1.0.0';
  for (const [i, n] of LAYERS.entries()) {
    const directories = packages.slice(i * share, (i + 1) * share);
    await packTar(corpus.layers[i] as string, { directories }, true);
    await packImage(corpus.images[i] as string, {
      name: nameOf(n),
      version,
      dependencies: i === 0 ? [] : [{ name: nameOf(n - 1), version }],
      directories,
    });
  }
  writeLayout(corpus.layout.dir, corpus.layers);
  await packTar(corpus.flat, { directories: packages }, false);
  return corpus;
}
