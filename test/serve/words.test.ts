/** Small parts: ranges, tags of bytes, HTML, pictures, sizes, names of repositories. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isRepositoryName, isTag } from '../../engine/offer/repositories.js';
import { hasTag, parseRange } from '../../engine/serve/http/range.js';
import { html } from '../../engine/serve/page/html.js';
import { bar } from '../../engine/serve/page/picture.js';
import { shortHash, sizeText } from '../../engine/serve/page/words.js';
import { parseAsked } from '../../engine/serve/registry/asked.js';

test('a range that is taken lies within the bytes', () => {
  const text = fc.oneof(
    fc.tuple(fc.nat(2000), fc.nat(2000)).map(([a, b]) => `bytes=${a}-${b}`),
    fc.nat(2000).map((a) => `bytes=${a}-`),
    fc.nat(2000).map((a) => `bytes=-${a}`),
    fc.string({ maxLength: 20 }),
  );
  fc.assert(
    fc.property(text, fc.nat(1500), (header, size) => {
      const range = parseRange(header, size);
      if (range === undefined || range === 'unsatisfiable') return;
      assert.ok(range.start >= 0 && range.start < range.end && range.end <= size);
    }),
  );
  assert.equal(parseRange(undefined, 5), undefined);
  assert.equal(parseRange('bytes=0-', 0), 'unsatisfiable');
  assert.equal(parseRange(`bytes=${'9'.repeat(20)}-`, 5), undefined);
});

test('tags of bytes are compared as they are listed', () => {
  assert.ok(hasTag('"a", W/"b"', '"b"') && hasTag('*', '"x"'));
  assert.ok(!hasTag('"a"', '"b"') && !hasTag(undefined, '"a"'));
});

test('nothing that is put into HTML becomes more than text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const { text: made } = html`<p title="${text}">${text}</p>`;
      assert.match(made, /^<p title="[^"<>]*">[^<>]*<\/p>$/s);
    }),
  );
  assert.equal(html`${[html`<b>${'<'}</b>`, 1, undefined]}`.text, '<b>&lt;</b>1');
  assert.equal(html`${'a\u202eb'}`.text, 'a\\u202eb');
});

test('a bar has a part for each size, none outside of it, and says the same in words', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1e9), { maxLength: 4 }), (sizes) => {
      const full = sizes.reduce((sum, each) => sum + each, 0);
      const { text } = bar(
        'x',
        sizes.map((bytes, i) => ({ kind: 'own', label: `part ${i}`, bytes })),
        full,
      );
      const rects = [...text.matchAll(/ x="([0-9.]+)" y="0" width="([0-9.]+)"/g)];
      assert.equal(rects.length, sizes.filter((each) => each > 0).length);
      for (const [, x, width] of rects) assert.ok(Number(x) + Number(width) <= 1000.1 && Number(width) > 0);
      assert.match(text, /role="img" aria-label="x: /);
    }),
  );
});

test('sizes and hashes are short', () => {
  const cases: [bytes: number, text: string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 KB'],
    [99_499, '99.5 KB'],
    [999_499, '999 KB'],
    [1_234_567, '1.2 MB'],
  ];
  for (const [bytes, text] of cases) assert.equal(sizeText(bytes), text);
  assert.equal(shortHash(`deps-sha512-${'a'.repeat(128)}`), `deps-sha512-${'a'.repeat(12)}`);
});

test('what a registry is asked is read as the store knows names', () => {
  const name = fc.stringMatching(/^[a-z0-9._/-]{1,40}$/);
  fc.assert(
    fc.property(name, fc.stringMatching(/^[\w.-]{1,20}$/), (repository, tag) => {
      if (!isRepositoryName(repository) || !isTag(tag)) return;
      assert.deepEqual(parseAsked(`/v2/${repository}/manifests/${tag}`), {
        ...{ kind: 'manifest', name: repository, ns: undefined, reference: tag },
      });
    }),
  );
  // A repository may be called like a part of a path.
  assert.deepEqual(parseAsked('/v2/a/blobs/b/manifests/tags'), {
    kind: 'manifest',
    name: 'a/blobs/b',
    ns: undefined,
    reference: 'tags',
  });
});
