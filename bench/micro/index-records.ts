/** Object records in the index: put, looked up by key, and found by the beginning of a key. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { Index } from '../../engine/index/open.js';
import type { ObjectRecord } from '../../engine/index/records.js';
import type { MicroGroup } from './case.js';

const RECORDS = 10_000;
const PREFIXES = 1000;
const RECORD: ObjectRecord = { size: 4096, refs: 1, copies: 0 };

/** Puts records of objects into a real index. A call of `put` is one transaction, flushed to disk. */
export async function indexCases(dir: string): Promise<MicroGroup> {
  fs.mkdirSync(join(dir, 'index'));
  const index = Index.open(join(dir, 'index'), false);
  const names = Array.from({ length: RECORDS }, (_none, i) => `${sha512(`${i}`)}.0644.0.0.1735689600`);
  const put = () =>
    index.commit(() => {
      for (const name of names) index.objects.put(name, RECORD);
    });
  await put();
  return {
    name: 'index',
    close: () => index.close(),
    cases: [
      { name: `put, ${RECORDS} in a transaction`, count: RECORDS, unit: 'records', run: put },
      {
        name: 'get',
        count: RECORDS,
        unit: 'records',
        run: () => {
          for (const name of names) if (index.objects.get(name) === undefined) throw new Error('a record is missing');
        },
      },
      {
        name: 'range by a prefix of 4 bytes',
        count: PREFIXES,
        unit: 'ranges',
        run: () => {
          for (let i = 0; i < PREFIXES; i++) {
            const prefix = (names[i] as string).slice(0, 8);
            const range = { start: prefix.padEnd(128, '0'), end: prefix.padEnd(128, 'f'), limit: 11 };
            if ([...index.objects.entries(range)].length === 0) throw new Error('nothing found');
          }
        },
      },
    ],
  };
}

function sha512(text: string): string {
  return createHash('sha512').update(text).digest('hex');
}
