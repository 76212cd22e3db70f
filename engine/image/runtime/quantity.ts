/** Computes with amounts of resources such as `250m` and `2Gi` (appc spec, executor, "Resource Isolators"). */
import { quoted } from '../../core/printable.js';
import { isQuantity } from '../aci/isolators.js';
import type { JsonField } from '../json-field.js';

const DECIMAL: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  '': 0,
  k: 3,
  K: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const BINARY: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
/** Characters of an amount: longer ones are no amounts of anything, and would take long to multiply. */
const MOST_CHARACTERS = 64;
/** Powers of ten that an amount may have; the kernel takes numbers up to 2^63. */
const MOST_POWER = 40;

/**
 * An amount as a whole number of units, rounded up as the reference implementation does.
 * @param power of ten of the unit: 0 for bytes, -3 for thousandths of a processor
 * @throws CairnError `ERR_BAD_MANIFEST` for no amount, none or less than none, or more than any machine has
 */
export function amountOf(field: JsonField, power: 0 | -3): number {
  const text = String(field.value).trim();
  if (!isQuantity(text)) throw field.fault(`not a quantity: ${quoted(text)}`);
  const amount = text.length > MOST_CHARACTERS ? undefined : exactly(text, power);
  if (amount === undefined || amount > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw field.fault(`more than any machine has: ${quoted(text)}`);
  }
  if (amount <= 0n) throw field.fault(`must be more than none: ${quoted(text)}`);
  return Number(amount);
}

/** @returns undefined for an absurd exponent */
function exactly(text: string, power: number): bigint | undefined {
  const [, sign, whole = '', fraction = '', suffix = ''] = /^([+-]?)([0-9]*)\.?([0-9]*)(.*)$/.exec(text) ?? [];
  const exponent = /^[eE]([+-]?[0-9]+)$/.exec(suffix)?.[1];
  const ten = (exponent === undefined ? (DECIMAL[suffix] ?? 0) : Number(exponent)) - fraction.length - power;
  if (Math.abs(ten) > MOST_POWER + MOST_CHARACTERS) return undefined;
  const digits = BigInt(whole + fraction) << BigInt(BINARY[suffix] ?? 0);
  const amount = ten >= 0 ? digits * 10n ** BigInt(ten) : divideUp(digits, 10n ** BigInt(-ten));
  return sign === '-' ? -amount : amount;
}

function divideUp(amount: bigint, by: bigint): bigint {
  return (amount + by - 1n) / by;
}
