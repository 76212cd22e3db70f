/** The whole suite: each command in a process of its own, and sweeps at every point. `npm test` takes samples. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { run } from 'node:test';
import { finish } from '../faults/report.js';

const TESTS = join(import.meta.dirname, '..');

process.env['CAIRN_TEST_WHOLE'] = '1';
const files = fs
  .readdirSync(TESTS, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.js'))
  .map((name) => join(TESTS, name));
let passed = 0;
const wrong: string[] = [];
for await (const { type, data } of run({ files, concurrency: 2 })) {
  if (type === 'test:pass') passed++;
  if (type === 'test:fail') wrong.push(`${data.file ?? ''}: ${data.name}: ${data.details.error.cause}`);
}
finish({ name: 'suite', figures: { tests: passed }, wrong });
