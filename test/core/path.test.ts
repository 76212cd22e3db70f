/** Paths of entries, cleaned: what is clean already is told at one look, and must be what the long way gives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isCairnError } from '../../engine/core/errors.js';
import { cleanPath, isCleanPath } from '../../engine/core/path.js';

const LIMITS = { maxPath: 4096, maxDepth: 64 };

/** The rules, as `cleanPath` states them. @returns `undefined` for a path that is refused */
function byTheRules(raw: string): string | undefined {
  if (raw === '' || raw.length > LIMITS.maxPath || raw.includes('\0')) return undefined;
  const parts: string[] = [];
  for (const part of raw.split('/')) {
    if (part === '..' && parts.pop() === undefined) return undefined;
    if (['', '.', '..'].includes(part)) continue;
    if (part.length > 255) return undefined;
    parts.push(part);
  }
  return parts.length > LIMITS.maxDepth ? undefined : parts.join('/');
}

function cleaned(raw: string): string | undefined {
  try {
    return cleanPath(raw, LIMITS);
  } catch (error) {
    if (isCairnError(error)) return undefined;
    throw error;
  }
}

const part = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: fc.constantFrom('a', 'b', '.', ' ', '\n', 'ÿ'), maxLength: 4 }) },
  fc.constantFrom('', '.', '..', '...', '.a', 'a.', '..a', 'a\0b', 'x'.repeat(255), 'x'.repeat(256)),
);
const path = fc.array(part, { maxLength: 70 }).map((parts) => parts.join('/'));

test('any path is cleaned, or refused, by the rules', () => {
  fc.assert(
    fc.property(path, (raw) => {
      assert.equal(cleaned(raw), byTheRules(raw));
    }),
    { numRuns: 3000 },
  );
});

test('a cleaned path is clean, and stays as it is', () => {
  fc.assert(
    fc.property(path, (raw) => {
      const clean = cleaned(raw);
      if (clean === undefined) return;
      assert.ok(isCleanPath(clean));
      if (clean !== '') assert.equal(cleaned(clean), clean);
    }),
  );
});
