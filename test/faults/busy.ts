/**
 * A process that works on a store at random until it is stopped: `busy.js STORE SOURCES SEED`. Before each operation it
 * prints a line of JSON that names the operation, and after it a line with all that the store holds.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { openStore, type Store } from '../../engine/store.js';
import { IMAGES } from './ground.js';

/** An operation that begins. It may add and take away lines that begin with these texts; '' allows all lines. */
export interface Begun {
  begin: string;
  adds: string[];
  takes: string[];
}

export interface Done {
  done: string;
  /** Images, trees, pins, pods and blobs. */
  state: string[];
}

const TWINS = ['twin.aci', 'rebuilt.aci'];
const TWINS_SHARE = 0.2;

const say = (line: Begun | Done): void => {
  fs.writeSync(1, `${JSON.stringify(line)}\n`);
};

/** Numbers from 0 to 1, the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** A line for each image, pin, tree and pod that the index lists. */
export async function listed(store: Store): Promise<string[]> {
  const lines: string[] = [];
  for await (const { key, pinned } of store.images()) lines.push(`image ${key}`, ...(pinned ? [`pin ${key}`] : []));
  for await (const { id, hash } of store.trees()) lines.push(`tree ${id} ${hash}`);
  for await (const { pod, apps } of store.pods()) lines.push(`pod ${pod} ${apps.map(({ image }) => image)}`);
  return lines;
}

async function work(store: Store, sources: string, random: () => number, blobs: string[]): Promise<void> {
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const act = async (begin: string, adds: string[], takes: string[], run: () => Promise<unknown>): Promise<void> => {
    say({ begin, adds, takes });
    await run();
    say({ done: begin, state: [...(await listed(store)), ...blobs.map((key) => `blob ${key}`)] });
  };
  const images: string[] = [];
  for await (const { key } of store.images()) images.push(key);
  const dice = random();
  if (images.length === 0 || dice < 0.34) {
    // Two builds of one image are read at the same time, and bring their contents twice.
    const chosen = random() < TWINS_SHARE ? TWINS : [pick(IMAGES)];
    await act(`import ${chosen}`, ['image'], [], () =>
      Promise.all(chosen.map((source) => store.import(join(sources, source)))),
    );
  } else if (dice < 0.5) {
    const image = pick(images);
    await act(`render ${image}`, ['tree'], [], async () => {
      // The image's dependency may have been removed.
      await store.render(image, { mode: 'link' }).catch(unless('ERR_NOT_FOUND'));
    });
  } else if (dice < 0.6) {
    const image = pick(images);
    await act(`pod of ${image}`, ['pod', 'tree'], [], async () => {
      await store.preparePod([image], { pull: 'never' }).catch(unless('ERR_NOT_FOUND'));
    });
  } else if (dice < 0.65) {
    const pods: string[] = [];
    for await (const { pod } of store.pods()) if (random() < 0.7) pods.push(pod);
    await act(
      `pod rm ${pods}`,
      [],
      pods.map((pod) => `pod ${pod}`),
      () => store.removePods(pods),
    );
  } else if (dice < 0.76) {
    const image = pick(images);
    await act(`rm ${image}`, [], [`image ${image}`, `pin ${image}`, 'tree'], () => store.rm([image], { force: true }));
  } else if (dice < 0.85) {
    const file = join(sources, '..', `blob-${process.pid}`);
    fs.writeFileSync(file, `${random()}`);
    await act('put', ['blob'], [], async () => blobs.push((await store.put(file)).key));
  } else if (dice < 0.9) {
    const image = pick(images);
    await act(`pin ${image}`, ['pin'], [], () => store.pin(image));
  } else {
    const graceMs = dice < 0.93 ? 0 : 3_600_000;
    await act(`gc ${graceMs}`, [], graceMs === 0 ? ['image', 'tree'] : [], () => store.gc({ images: true, graceMs }));
  }
}

export function unless(...codes: string[]): (error: unknown) => void {
  return (error) => {
    if (!codes.includes((error as { code?: string }).code ?? '')) throw error;
  };
}

async function main([dir, sources, seed]: readonly string[]): Promise<void> {
  const random = randomFrom(Number(seed));
  const blobs: string[] = [];
  await using store = await openStore({ dir: dir as string, workers: 2 });
  say({ done: 'open', state: await listed(store) });
  for (;;) await work(store, sources as string, random, blobs);
}

if (process.argv[1] === import.meta.filename) await main(process.argv.slice(2));
