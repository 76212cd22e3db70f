/** Reads the isolators of an app (appc spec, executor, "Isolators"). */
import { quoted } from '../../core/printable.js';
import type { JsonValue } from '../json.js';
import type { JsonField } from '../json-field.js';

/** One isolator of an app, its value exactly as written. */
export interface Isolator {
  name: string;
  value: JsonValue;
}

interface Kind {
  /** @throws CairnError `ERR_BAD_MANIFEST` unless the value has the shape that this isolator wants */
  check(value: JsonField): void;
  /** Set if a list may have this isolator only once. */
  single?: true;
  /** The isolator that the same list may not have. */
  excludes?: string;
}

const SECCOMP_REMOVE = 'os/linux/seccomp-remove-set';
const SECCOMP_RETAIN = 'os/linux/seccomp-retain-set';

const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['resource/block-bandwidth', { check: checkDefaultLimit }],
  ['resource/block-iops', { check: checkDefaultLimit }],
  ['resource/network-bandwidth', { check: checkDefaultLimit }],
  ['resource/cpu', { check: checkRequestAndLimit }],
  ['resource/memory', { check: checkRequestAndLimit }],
  ['os/linux/capabilities-retain-set', { check: checkSet }],
  ['os/linux/capabilities-remove-set', { check: checkSet }],
  ['os/linux/no-new-privileges', { check: checkBoolean }],
  [SECCOMP_RETAIN, { check: checkSeccomp, single: true, excludes: SECCOMP_REMOVE }],
  [SECCOMP_REMOVE, { check: checkSeccomp, single: true, excludes: SECCOMP_RETAIN }],
  ['os/linux/oom-score-adj', { check: (value) => checkInteger(value, -1000, 1000), single: true }],
  ['os/linux/cpu-shares', { check: (value) => checkInteger(value, 2, 262_144), single: true }],
  ['os/linux/selinux-context', { check: checkSelinux, single: true }],
  ['os/linux/apparmor-profile', { check: checkProfile, single: true }],
  ['os/unix/sysctl', { check: checkSysctl, single: true }],
]);

/** Whether the spec defines an isolator. The value of such an isolator is checked. */
export function isKnownIsolator(name: string): boolean {
  return KINDS.has(name);
}

/**
 * Reads a list of isolators. Isolators that the spec defines are checked: the shape of their value, how often they
 * occur and beside which others.
 *
 * Unknown isolators are kept as they are. The spec lets an executor ignore isolators that it does not know, and a store
 * executes nothing.
 *
 * @throws CairnError `ERR_BAD_MANIFEST`
 */
export function readIsolators(list: JsonField): Isolator[] {
  const seen = new Set<string>();
  return list.items().map((item) => {
    const isolator = readIsolator(item);
    const { name } = isolator;
    const kind = KINDS.get(name);
    if (kind?.single && seen.has(name)) throw item.fault(`isolators set contains too many instances of type ${name}`);
    if (kind?.excludes !== undefined && seen.has(kind.excludes)) {
      throw item.fault(`isolators set contains incompatible types: ${name} and ${kind.excludes}`);
    }
    seen.add(name);
    return isolator;
  });
}

/** Reads one isolator, whatever others there are beside it. */
export function readIsolator(item: JsonField): Isolator {
  const name = item.field('name').acIdentifier();
  const value = item.field('value');
  const kind = KINDS.get(name);
  if (kind !== undefined && value.absent) throw value.fault(`${name} needs a value`);
  kind?.check(value);
  return { name, value: value.value ?? null };
}

/**
 * The grammar of amounts, as Kubernetes defined it at the time: a decimal number, then a decimal suffix, a binary
 * suffix or an exponent. `K` passes beside `k`: the spec's text has it, the reference implementation does not. No two
 * parts match the same characters, so that matching takes linear time.
 */
const QUANTITY = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[num]|[kKMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?$/;

/** Whether a text is an amount such as `250m`, `2Gi` or `1e3` (appc spec, executor, "Resource Isolators"). */
export function isQuantity(text: string): boolean {
  return QUANTITY.test(text.trim());
}

function checkQuantity(field: JsonField): void {
  if (field.absent) return;
  // The reference implementation reads a bare number as the same number in quotes.
  const text = typeof field.value === 'number' ? String(field.value) : field.text();
  if (!isQuantity(text)) {
    throw field.fault(`not a quantity: ${quoted(text)} (a number and one of n u m k M G T P E Ki Mi Gi Ti Pi Ei)`);
  }
}

function checkDefaultLimit(value: JsonField): void {
  if (!value.field('default').flag()) throw value.field('default').fault('default must be true');
  if (!value.field('request').absent) {
    throw value.field('request').fault('request not supported by this resource, must be empty');
  }
  checkQuantity(value.field('limit'));
}

function checkRequestAndLimit(value: JsonField): void {
  if (value.field('default').flag()) throw value.field('default').fault('default must be false');
  checkQuantity(value.field('request'));
  checkQuantity(value.field('limit'));
}

function checkSet(value: JsonField): void {
  const set = value.field('set');
  if (set.texts().length === 0) throw set.fault('set must be non-empty');
}

function checkSeccomp(value: JsonField): void {
  checkSet(value);
  const errno = value.field('errno');
  if (!/^(?:E[A-Z0-9]*)?$/.test(errno.text())) throw errno.fault('errno must be an upper case name such as EPERM');
}

function checkSelinux(value: JsonField): void {
  for (const part of ['user', 'role', 'type']) {
    const text = value.field(part).text();
    if (text === '' || text.includes(':')) throw value.field(part).fault(`invalid ${part} value ${quoted(text)}`);
  }
  if (value.field('level').text() === '') throw value.field('level').fault('invalid level value ""');
}

function checkInteger(value: JsonField, min: number, max: number): void {
  value.integer(min, max);
}

function checkBoolean(value: JsonField): void {
  value.flag();
}

/** The spec has an object. Manifests that give the name alone have passed here, and still do. */
function checkProfile(value: JsonField): void {
  const profile = typeof value.value === 'string' ? value : value.field('profile');
  if (profile.text() === '') throw profile.fault('invalid profile value ""');
}

function checkSysctl(value: JsonField): void {
  value.textMap();
}
