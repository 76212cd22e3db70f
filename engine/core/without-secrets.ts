/** Keeps users and passwords, which people put before hosts, out of what is shown and logged. */

/** `https://me:secret@host`, `docker://token@host`; a digest behind an `@` is none. */
const IN_URL = /([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"'@]+@(?!sha\d+:)/gi;
/** `me:secret@host/…`, without a scheme. */
const BEFORE_HOST = /(?<![\w.:/@-])[^\s/"'@:]+:[^\s/"'@]+@(?=[\w.-]+(?::\d+)?\/)/g;

/** A text whose users and passwords have become dots. */
export function withoutSecrets(text: string): string {
  return text.includes('@') ? text.replace(IN_URL, '$1…@').replace(BEFORE_HOST, '…@') : text;
}
