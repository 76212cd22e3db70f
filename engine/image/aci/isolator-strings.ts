/**
 * Isolators as people type them: of any kind (`--isolator`, as actool's patch-manifest has it), and by the options that
 * rkt has for single kinds. Every fault is `ERR_USAGE`.
 */
import { CairnError, isCairnError } from '../../core/errors.js';
import { quoted } from '../../core/printable.js';
import type { JsonObject, JsonValue } from '../json.js';
import { JsonField } from '../json-field.js';
import { type Isolator, readIsolator } from './isolators.js';
import { asInteger } from './pod-strings.js';

const RETAIN_CAPABILITIES = 'os/linux/capabilities-retain-set';
const REMOVE_CAPABILITIES = 'os/linux/capabilities-remove-set';
const RETAIN_CALLS = 'os/linux/seccomp-retain-set';
const REMOVE_CALLS = 'os/linux/seccomp-remove-set';

/** Kinds of which an app has one: whoever gives one of them takes the others away. */
const TOGETHER: readonly (readonly string[])[] = [
  [RETAIN_CAPABILITIES, REMOVE_CAPABILITIES],
  [RETAIN_CALLS, REMOVE_CALLS],
];

/** Isolators after others were given. Those of the same kinds go, and what is given comes last. */
export function withIsolators(isolators: readonly Isolator[], given: readonly Isolator[]): Isolator[] {
  const gone = new Set(given.flatMap(({ name }) => TOGETHER.find((kinds) => kinds.includes(name)) ?? [name]));
  return [...isolators.filter(({ name }) => !gone.has(name)), ...given];
}

/**
 * `NAME,key=value,…` for values that are texts by name, such as `resource/cpu,request=50m,limit=100m`; `NAME,WORD` for
 * a number, `true`, `false` or a text, such as `os/linux/no-new-privileges,true`; `NAME=JSON` for everything.
 */
export function isolatorFromString(text: string): Isolator {
  const [, name = '', separator, rest = ''] = /^([^=,]*)([=,])?(.*)$/s.exec(text) ?? [];
  return checked(text, name, () => {
    if (separator === undefined) throw new CairnError('ERR_USAGE', 'an isolator without a value');
    return separator === '=' ? jsonIn(rest) : valueIn(rest);
  });
}

function jsonIn(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new CairnError('ERR_USAGE', 'the value is not JSON', { cause });
  }
}

function valueIn(text: string): JsonValue {
  const parts = text.split(',');
  if (!text.includes('=') && parts.length === 1) return scalarIn(text);
  const value: JsonObject = {};
  for (const part of parts) {
    const equals = part.indexOf('=');
    if (equals < 0) throw new CairnError('ERR_USAGE', `a label without a value: ${part}`);
    const key = part.slice(0, equals);
    if (Object.hasOwn(value, key)) throw new CairnError('ERR_USAGE', `label ${key} with multiple values`);
    const text = part.slice(equals + 1);
    value[key] = key === 'default' ? scalarIn(text) : text;
  }
  return value;
}

function scalarIn(word: string): JsonValue {
  return /^(?:true|false|-?(?:0|[1-9][0-9]{0,14}))$/.test(word) ? (JSON.parse(word) as JsonValue) : word;
}

/**
 * So little is no amount of memory, but most likely a mistake, such as `16m`, which are thousandths of a byte.
 * @param amount such as `128M`
 */
export function memoryIsolator(amount: string): Isolator {
  const isolator = checked(amount, 'resource/memory', () => ({ request: amount, limit: amount }));
  const [, number = '', unit = ''] = /^[+-]?([0-9.]+)([numkK]|Ki)?$/.exec(amount.trim()) ?? [];
  const isLow = number !== '' && Number(number) * (SMALL_UNITS[unit] ?? 1) < LEAST_MEMORY;
  if (!isLow && !amount.startsWith('-')) return isolator;
  throw new CairnError('ERR_USAGE', `memory limit ${quoted(amount)} too low. Try a reasonable value, such as 16M`);
}

const LEAST_MEMORY = 4096;
/** Bytes of the units that may be too low. */
const SMALL_UNITS: Readonly<Record<string, number>> = { n: 1e-9, u: 1e-6, m: 1e-3, k: 1e3, K: 1e3, Ki: 1024 };

/** @param amount such as `500m` */
export function cpuIsolator(amount: string): Isolator {
  return checked(amount, 'resource/cpu', () => ({ request: amount, limit: amount }));
}

export function cpuSharesIsolator(shares: string): Isolator {
  return checked(shares, 'os/linux/cpu-shares', () => asInteger(shares));
}

export function oomScoreIsolator(score: string): Isolator {
  return checked(score, 'os/linux/oom-score-adj', () => asInteger(score));
}

/** @param names such as `CAP_KILL,CAP_NET_ADMIN` */
export function capabilitiesIsolator(kind: 'retain' | 'remove', names: string): Isolator {
  const set = names.split(',').filter((name) => name !== '');
  return checked(names, kind === 'retain' ? RETAIN_CAPABILITIES : REMOVE_CAPABILITIES, () => ({ set }));
}

/** `[errno=EPERM,]mode=retain|remove,CALL,…` */
export function seccompIsolator(text: string): Isolator {
  let mode = '';
  let errno = '';
  const set: string[] = [];
  for (const part of text.split(',')) {
    const [key, value, ...more] = part.split('=');
    if (value === undefined) set.push(part);
    else if (key === 'mode' && more.length === 0) mode = value;
    else if (key === 'errno' && more.length === 0) errno = value;
    else throw new CairnError('ERR_USAGE', `invalid seccomp command-line override: ${quoted(part)}`);
  }
  if (mode !== 'retain' && mode !== 'remove') {
    throw new CairnError('ERR_USAGE', `invalid seccomp mode command-line override: ${quoted(mode)}`);
  }
  const name = mode === 'retain' ? RETAIN_CALLS : REMOVE_CALLS;
  return checked(text, name, () => ({ set: set.filter((call) => call !== ''), ...(errno === '' ? {} : { errno }) }));
}

function checked(text: string, name: string, value: () => JsonValue): Isolator {
  try {
    return readIsolator(new JsonField('isolator', { name, value: value() }));
  } catch (cause) {
    if (!isCairnError(cause, 'ERR_USAGE', 'ERR_BAD_MANIFEST')) throw cause;
    throw new CairnError('ERR_USAGE', `invalid isolator ${quoted(text)}: ${cause.message}`, { cause });
  }
}
