/** The reading of tar headers: the own scanner against tar-stream. */
import { once } from 'node:events';
import { extract } from 'tar-stream';
import { DEFAULT_LIMITS } from '../../engine/core/limits.js';
import { TarScanner } from '../../engine/layer/tar/scan.js';
import type { MicroGroup } from './case.js';
import { tarOf } from './inputs.js';

const FILES = 10_000;
const CHUNK = 512 * 1024;

export async function tarCases(): Promise<MicroGroup> {
  const { bytes, entries } = await tarOf(FILES);
  const chunks = Array.from({ length: Math.ceil(bytes.length / CHUNK) }, (_none, i) =>
    bytes.subarray(i * CHUNK, (i + 1) * CHUNK),
  );
  const size = { count: entries, unit: 'entries', bytes: bytes.length };
  return {
    name: 'tar',
    cases: [
      {
        name: 'TarScanner',
        ...size,
        run: () => {
          const scanner = new TarScanner(
            { frame: () => {}, entry: () => {}, content: () => {}, hole: () => {}, entryEnd: () => {} },
            DEFAULT_LIMITS,
          );
          for (const chunk of chunks) scanner.push(chunk);
          scanner.finish();
          if (scanner.entries !== entries) throw new Error(`${scanner.entries} entries`);
        },
      },
      {
        name: 'tar-stream',
        ...size,
        run: async () => {
          const reader = extract();
          let seen = 0;
          reader.on('entry', (_header, content, next) => {
            seen++;
            content.on('end', next).resume();
          });
          const finished = once(reader, 'finish');
          for (const chunk of chunks) if (!reader.write(chunk)) await once(reader, 'drain');
          reader.end(undefined);
          await finished;
          if (seen !== entries) throw new Error(`${seen} entries`);
        },
      },
    ],
  };
}
