/** A gc without a grace period deletes quarantined files at any time. Repairs and counts must cope with that. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Layout } from '../../engine/disk/layout.js';
import { bytesAt, Quarantine } from '../../engine/disk/quarantine.js';
import { temporaryDirectory } from '../fixtures/cli.js';

/** Has another process delete a directory right after, or before, one call. */
function meanwhile(t: TestContext, name: 'mkdirSync' | 'readdirSync', dir: string, when: 'after' | 'before'): void {
  const calls = fs as unknown as Record<string, (...args: unknown[]) => unknown>;
  const call = calls[name] as (...args: unknown[]) => unknown;
  const restore = (): void => {
    calls[name] = call;
    syncBuiltinESMExports();
  };
  const strike = (): void => fs.rmSync(dir, { recursive: true });
  calls[name] = (...args) => {
    if (args[0] !== dir && !(when === 'after' && String(args[0]).startsWith(dir))) return call(...args);
    restore();
    if (when === 'before') strike();
    const result = call(...args);
    if (when === 'after') strike();
    return result;
  };
  syncBuiltinESMExports();
  t.after(restore);
}

test('a repair goes on when its quarantine is deleted under its hands', (t) => {
  const layout = new Layout(temporaryDirectory(t));
  for (const dir of [layout.quarantine, join(layout.objects, 'ab')]) fs.mkdirSync(dir, { recursive: true });
  const file = join(layout.objects, 'ab', 'cd');
  fs.writeFileSync(file, 'damaged');
  const now = new Date(0);
  meanwhile(t, 'mkdirSync', join(layout.quarantine, now.toISOString().replaceAll(':', '-')), 'after');
  const quarantine = new Quarantine(layout, now);
  assert.equal(quarantine.take(file), true);
  assert.equal(fs.existsSync(file), false);
  assert.equal(fs.readFileSync(quarantine.taken[0] as string, 'utf8'), 'damaged');
});

test('what is deleted while it is counted has no bytes', (t) => {
  const dir = temporaryDirectory(t);
  fs.mkdirSync(join(dir, 'a'));
  fs.writeFileSync(join(dir, 'a', 'file'), 'four');
  fs.writeFileSync(join(dir, 'b'), 'two');
  meanwhile(t, 'readdirSync', join(dir, 'a'), 'before');
  assert.equal(bytesAt(dir), 3);
});
