/** xxhash, for what is not trust: fingerprints and checksums. Loaded once, however many ask for it. */
import type { XXHashAPI } from 'xxhash-wasm';

let loading: Promise<XXHashAPI> | undefined;

export function xxhash(): Promise<XXHashAPI> {
  loading ??= import('xxhash-wasm').then(({ default: load }) => load());
  return loading;
}
