/**
 * The policy that says whose signatures an OCI image needs: the part of containers-policy.json(5) that applies to
 * registries. The whole document is checked, as other readers do, so that no rule is lost to a slip.
 */
import { CairnError, isCairnError } from '../core/errors.js';
import { DEFAULT_LIMITS } from '../core/limits.js';
import { parseJson } from '../image/json.js';
import { JsonField } from '../image/json-field.js';
import {
  exactReference,
  formatRegistryReference,
  type RegistryReference,
  repositoryOf,
} from '../image/oci/registry-reference.js';
import { onlyKeys } from './only-keys.js';
import { readIdentity, type SignedIdentity } from './signed-identity.js';

/** Where a public key is to be had. */
export type KeySource = { path: string } | { pem: Buffer };

/** The policy's file, and the place in it. */
export interface RulePlace {
  path: string;
  entry: string;
}

export interface SigstoreRule extends RulePlace {
  type: 'sigstoreSigned';
  /** Any of them may sign. */
  keys: readonly KeySource[];
  identity: SignedIdentity;
}

/** What an image must fulfil. All requirements of a list hold together. */
export type Requirement =
  | (RulePlace & { type: 'insecureAcceptAnything' | 'reject' })
  /** A requirement that is known, but that cairn cannot judge. */
  | (RulePlace & { type: 'unsupported'; what: string })
  | SigstoreRule;

export interface Policy {
  path: string;
  default: readonly Requirement[];
  /** By scope. The scope '' is the default of registries. */
  docker: ReadonlyMap<string, readonly Requirement[]>;
}

const DOCUMENT = 'policy.json';

/** @param path the document's file, for errors @throws CairnError `ERR_CONFIG` */
export function parsePolicy(bytes: Uint8Array, path: string): Policy {
  try {
    const root = new JsonField(DOCUMENT, parseJson(bytes, DOCUMENT, DEFAULT_LIMITS));
    onlyKeys(root, ['default', 'transports']);
    const docker = new Map<string, readonly Requirement[]>();
    const transports = root.exactField('transports').orEmpty();
    for (const [transport, scopes] of entriesOf(transports)) {
      for (const [scope, list] of entriesOf(scopes)) {
        const requirements = readRequirements(list, path);
        if (transport === 'docker') docker.set(scope, requirements);
      }
    }
    return { path, default: readRequirements(root.exactField('default'), path), docker };
  } catch (error) {
    if (!isCairnError(error)) throw error;
    const { message, entry = DOCUMENT } = error;
    throw new CairnError('ERR_CONFIG', message, { path, entry, cause: error });
  }
}

function entriesOf(field: JsonField): [key: string, value: JsonField][] {
  return Object.keys(field.object()).map((key) => [key, field.keyed(key)]);
}

function readRequirements(list: JsonField, path: string): Requirement[] {
  const items = list.items();
  if (items.length === 0) throw list.fault('must be a list of requirements that is not empty', 'ERR_CONFIG');
  return items.map((item) => readRequirement(item, path));
}

function readRequirement(item: JsonField, path: string): Requirement {
  const place = { path, entry: item.place };
  const type = item.exactField('type').text();
  switch (type) {
    case 'insecureAcceptAnything':
    case 'reject':
      onlyKeys(item, ['type']);
      return { ...place, type };
    case 'signedBy':
      onlyKeys(item, ['type', 'keyType', 'keyPath', 'keyPaths', 'keyData', 'signedIdentity']);
      readIdentity(item.exactField('signedIdentity'));
      return { ...place, type: 'unsupported', what: 'signedBy (simple signing with GPG)' };
    case 'signedBaseLayer':
      onlyKeys(item, ['type', 'baseLayerIdentity']);
      return { ...place, type: 'unsupported', what: type };
    case 'sigstoreSigned':
      return readSigstore(item, place);
    default:
      throw item.exactField('type').fault(`an unknown requirement: "${type}"`, 'ERR_CONFIG');
  }
}

const KEYS = ['keyPath', 'keyPaths', 'keyData', 'keyDatas'];
const REKOR = ['rekorPublicKeyPath', 'rekorPublicKeyPaths', 'rekorPublicKeyData', 'rekorPublicKeyDatas'];

function readSigstore(item: JsonField, place: RulePlace): Requirement {
  onlyKeys(item, ['type', ...KEYS, 'fulcio', 'pki', ...REKOR, 'signedIdentity']);
  const identity = readIdentity(item.exactField('signedIdentity'));
  const given = [...KEYS, 'fulcio', 'pki'].filter((key) => Object.hasOwn(item.object(), key));
  if (given.length !== 1) {
    const rule = 'must have exactly one of keyPath, keyPaths, keyData, keyDatas, fulcio and pki';
    throw item.fault(rule, 'ERR_CONFIG');
  }
  const beyond = ['fulcio', 'pki', ...REKOR].find((key) => Object.hasOwn(item.object(), key));
  if (beyond !== undefined) return { ...place, type: 'unsupported', what: `sigstoreSigned with ${beyond}` };
  return { ...place, type: 'sigstoreSigned', keys: readKeySources(item), identity };
}

function readKeySources(item: JsonField): KeySource[] {
  const [path, paths, data, datas] = KEYS.map((key) => item.exactField(key)) as [
    JsonField,
    JsonField,
    JsonField,
    JsonField,
  ];
  const sources = [
    ...(path.absent ? [] : [pathIn(path)]),
    ...paths.items().map(pathIn),
    ...(data.absent ? [] : [pemIn(data)]),
    ...datas.items().map(pemIn),
  ];
  if (sources.length === 0) throw item.fault('must name a key', 'ERR_CONFIG');
  return sources;
}

function pathIn(field: JsonField): KeySource {
  const path = field.text();
  // A path from where somebody happens to stand would let the place decide whom to trust.
  if (!path.startsWith('/')) throw field.fault('must be an absolute path', 'ERR_CONFIG');
  return { path };
}

function pemIn(field: JsonField): KeySource {
  const text = field.text();
  const pem = Buffer.from(text, 'base64');
  if (text === '' || pem.toString('base64') !== text) throw field.fault('must be base64', 'ERR_CONFIG');
  return { pem };
}

/**
 * What an image of a registry must fulfil: what the most specific scope says, or else the default. Beside a digest a
 * tag decides nothing, since nobody vouches that it leads there; without either it is `latest`.
 * @param policy without one every image is accepted
 */
export function requirementsFor(policy: Policy | undefined, image: RegistryReference): readonly Requirement[] {
  if (policy === undefined) return [];
  for (const scope of scopesOf(image)) {
    const found = policy.docker.get(scope);
    if (found !== undefined) return found;
  }
  return policy.default;
}

/** The scopes that an image lies in: itself, its repository, the namespaces above, its host, wildcards, all. */
export function scopesOf(image: RegistryReference): string[] {
  const exact = exactReference(image);
  const repository = repositoryOf(image);
  const parts = repository.split('/');
  // A wildcard is one of names, without the port.
  const domains = image.host.replace(/:.*$/, '').split('.');
  return [
    formatRegistryReference(exact),
    ...parts.map((_part, i) => parts.slice(0, parts.length - i).join('/')),
    ...domains.slice(1).map((_domain, i) => `*.${domains.slice(i + 1).join('.')}`),
    '',
  ];
}
