/** Places of a remote are ones that registries have, and no two names share one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatRegistryReference, readRegistryReference } from '../../engine/image/oci/registry-reference.js';
import { parseRemote, placeOfName } from '../../engine/image/oci/remote-places.js';

const REMOTE = parseRemote('docker://registry.example.com:5000/images');

const letters = (of: string): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...of), minLength: 1, maxLength: 12 });
const names = fc.record({
  name: fc.oneof(letters('ab./-_:~A'), letters('ab/')),
  labels: fc.uniqueArray(
    fc.record({ name: fc.constantFrom('version', 'os', 'arch'), value: fc.oneof(letters('v1.+/ '), letters('v1')) }),
    { selector: ({ name }) => name, maxLength: 3 },
  ),
});

const spelled = ({ name, labels }: { name: string; labels: { name: string; value: string }[] }): string => {
  const all = labels.length === 0 ? [{ name: 'version', value: 'latest' }] : labels;
  return JSON.stringify([name, all.map((label) => `${label.name}=${label.value}`).sort()]);
};

test('every name has a place that a registry takes', () => {
  fc.assert(
    fc.property(names, (name) => {
      const place = placeOfName(REMOTE, name);
      assert.deepEqual(readRegistryReference(formatRegistryReference(place)), place);
    }),
  );
});

test('different names have different places', () => {
  fc.assert(
    fc.property(names, names, (a, b) => {
      fc.pre(spelled(a) !== spelled(b));
      const hasVersion = [a, b].every(
        ({ labels }) => labels.length === 0 || labels.some((each) => each.name === 'version'),
      );
      fc.pre(hasVersion);
      assert.notEqual(formatRegistryReference(placeOfName(REMOTE, a)), formatRegistryReference(placeOfName(REMOTE, b)));
    }),
  );
});
