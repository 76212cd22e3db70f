/** Packs files as they are into one tar: layouts and archives of images. */
import * as fs from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { pack } from 'tar-stream';

/** @param files names in the tar, and paths of the bytes */
export async function* packFiles(files: readonly (readonly [name: string, path: string])[]): AsyncGenerator<Buffer> {
  const archive = pack();
  const fill = async (): Promise<void> => {
    for (const [name, path] of files) {
      const { size } = fs.statSync(path);
      await pipeline(fs.createReadStream(path), archive.entry({ name, size, mode: 0o644, mtime: new Date(0) }));
    }
    archive.finalize();
  };
  const filling = fill().catch((error: unknown) => archive.destroy(error as Error));
  for await (const chunk of archive) yield chunk as Buffer;
  await filling;
}
