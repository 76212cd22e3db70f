/** xxhash, for uses that need no trust: fingerprints and checksums. Loaded once, however many callers ask for it. */
import type { XXHashAPI } from 'xxhash-wasm';

let loading: Promise<XXHashAPI> | undefined;

export function xxhash(): Promise<XXHashAPI> {
  loading ??= import('xxhash-wasm').then(({ default: load }) => load());
  return loading;
}
