/** Tables of contents and recipes: what an import writes and a render or an export reads. */
import { RecipeWriter, readRecipe } from '../../engine/layer/recipe.js';
import { decodeToc, encodeToc } from '../../engine/layer/toc.js';
import type { MicroCase, MicroGroup } from './case.js';
import { tarOf, tocOf } from './inputs.js';

const FILES = 20_000;
const BLOCK = 512;

export async function codecCases(): Promise<MicroGroup> {
  return { name: 'codecs', cases: [...tocCases(), ...(await recipeCases())] };
}

function tocCases(): MicroCase[] {
  const toc = tocOf(FILES);
  const encoded = encodeToc(toc);
  const size = { count: toc.length, unit: 'entries', bytes: encoded.length };
  return [
    {
      name: 'encodeToc',
      ...size,
      run: () => {
        encodeToc(toc);
      },
    },
    {
      name: 'decodeToc',
      ...size,
      run: () => {
        if (decodeToc(encoded).length !== toc.length) throw new Error('entries were lost');
      },
    },
  ];
}

/** Recipes of real tar headers, each followed by content of one block that the recipe leaves out. */
async function recipeCases(): Promise<MicroCase[]> {
  const { bytes } = await tarOf(1000);
  const headers = Array.from({ length: FILES }, (_none, i) =>
    bytes.subarray((i % 1000) * BLOCK, ((i % 1000) + 1) * BLOCK),
  );
  const write = (): Buffer[] => {
    const packed: Buffer[] = [];
    const writer = new RecipeWriter((part) => packed.push(part));
    for (const header of headers) {
      writer.frame(header);
      writer.content(BLOCK);
    }
    writer.finish();
    return packed;
  };
  const recipe = write();
  const size = { count: FILES, unit: 'headers', bytes: FILES * BLOCK };
  return [
    {
      name: 'RecipeWriter',
      ...size,
      run: () => {
        write();
      },
    },
    {
      name: 'readRecipe',
      ...size,
      run: async () => {
        let contents = 0;
        for await (const part of readRecipe(streamOf(recipe))) if ('content' in part) contents++;
        if (contents !== FILES) throw new Error(`${contents} contents`);
      },
    },
  ];
}

async function* streamOf(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}
