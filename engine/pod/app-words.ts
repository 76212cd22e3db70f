/**
 * The words by which people describe a pod, as rkt and its like have them: `IMAGE OPTIONS -- ARGS --- IMAGE …`. Pure.
 */
import { CairnError } from '../core/errors.js';
import { nearest } from '../core/near.js';
import { quoted } from '../core/printable.js';
import { BARE, type EitherDraft, OF_APP, OF_EITHER, OF_POD, type PodDraft, type Setter } from './app-options.js';
import type { PodRequest } from './request.js';

/** Begins the arguments of the app of the image before it. */
const BEGIN_ARGS = '--';
/** Ends them. Elsewhere it means nothing. */
const END_ARGS = '---';

/**
 * Reads the words that describe a pod.
 *
 * @throws CairnError `ERR_USAGE` for an option that there is not or that no image is before, for a value that it cannot
 *   have, for a mount of a volume that nothing gives
 */
export function parseAppWords(words: readonly string[]): PodRequest {
  const pod: PodDraft = { apps: [] };
  for (let at = 0; at < words.length; ) {
    const word = words[at] as string;
    if (word === '' || word === END_ARGS) at++;
    else if (word === BEGIN_ARGS) at = takeArgs(pod, words, at + 1);
    else if (word.startsWith('-') && word !== '-') at = takeOption(pod, words, at);
    else {
      pod.apps.push({ image: word });
      at++;
    }
  }
  checkVolumes(pod);
  return pod;
}

/** @returns where it goes on */
function takeArgs(pod: PodDraft, words: readonly string[], from: number): number {
  const app = pod.apps.at(-1);
  if (app === undefined) throw new CairnError('ERR_USAGE', 'an image is required before any app arguments');
  if (app.args !== undefined) {
    throw new CairnError('ERR_USAGE', 'only one set of app arguments allowed per image');
  }
  const end = words.indexOf(END_ARGS, from);
  app.args = words.slice(from, end < 0 ? undefined : end);
  return end < 0 ? words.length : end + 1;
}

/** @returns where it goes on */
function takeOption(pod: PodDraft, words: readonly string[], at: number): number {
  const [, option = '', name = '', value] = /^(--?([^=]*))(?:=(.*))?$/s.exec(words[at] as string) ?? [];
  if (!Object.hasOwn(ALL, name) || !option.startsWith('--')) throw unknown(option);
  if (value !== undefined) {
    setOption(pod, name, value);
    return at + 1;
  }
  const next = words[at + 1];
  const bare = BARE[name];
  if (bare !== undefined && !/^(?:true|false)$/.test(next ?? '')) {
    setOption(pod, name, bare);
    return at + 1;
  }
  if (next === undefined) throw new CairnError('ERR_USAGE', `${option} needs a value`);
  setOption(pod, name, next);
  return at + 2;
}

const ALL = { ...OF_APP, ...OF_EITHER, ...OF_POD };

function setOption(pod: PodDraft, name: string, value: string): void {
  const option = `--${name}`;
  const app = pod.apps.at(-1);
  if (Object.hasOwn(OF_POD, name)) OF_POD[name as keyof typeof OF_POD](pod, value, option);
  else if (Object.hasOwn(OF_EITHER, name)) {
    const set: Setter<EitherDraft> = OF_EITHER[name as keyof typeof OF_EITHER];
    set(app ?? pod, value, option);
  } else if (app === undefined) throw new CairnError('ERR_USAGE', `${option} must follow an image`);
  else OF_APP[name as keyof typeof OF_APP](app, value, option);
}

function unknown(option: string): CairnError {
  const near = nearest(option.replace(/^-+/, ''), Object.keys(ALL)).map((name) => `--${name}`);
  const candidates = near.length === 0 ? {} : { candidates: near };
  return new CairnError('ERR_USAGE', `unknown option '${option}'`, candidates);
}

function checkVolumes({ apps, mounts = [], volumes = [] }: PodDraft): void {
  const names = new Set(volumes.map(({ name }) => name));
  for (const { path, volume, appVolume } of [mounts, ...apps.map((app) => app.mounts ?? [])].flat()) {
    if (appVolume === undefined && !names.has(volume)) {
      throw new CairnError('ERR_USAGE', `dangling mount point ${quoted(path)}: volume ${quoted(volume)} not found`);
    }
  }
}
