/** Makes URLs of images and signatures from templates (appc spec, discovery templates). */
import { CairnError } from '../core/errors.js';
import { quoted } from '../core/printable.js';
import { type Label, labelMap } from '../image/label.js';

/** An image as it is asked for: its name, and the labels that it must have. */
export interface WantedImage {
  name: string;
  labels: readonly Label[];
}

export interface RenderedTemplate {
  aci: string;
  asc: string;
}

const VARIABLE = /\{([^{}]*)\}/g;
const PARTS = /^([a-z][a-z0-9+.-]*):\/\/([^/?#\\]*)(.*)$/i;
const HOST = /^(?:[a-z0-9_](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[0-9]+)?$/i;

/**
 * The values that a template may ask for; `version` is `latest` where none is wanted. The spec has them put in without
 * escapes, so that a version may have slashes. White space and control characters are refused: no URL has them, and
 * whoever reads URLs line by line would see two.
 * @throws CairnError `ERR_NAME_SYNTAX`
 */
export function templateValues({ name, labels }: WantedImage): ReadonlyMap<string, string> {
  for (const label of labels) {
    if (/[\s\p{Cc}\p{Cf}]/u.test(label.value)) {
      const why = 'white space and control characters cannot be part of a URL';
      throw new CairnError('ERR_NAME_SYNTAX', `${name}: label ${quoted(label.name)}: ${why}`, { found: label.value });
    }
  }
  // A label called "name" would not change what the image is called.
  return new Map(Object.entries({ version: 'latest', ...labelMap(labels), name }));
}

/**
 * @returns undefined for a template that asks for what is not given, has no `{ext}` that tells the image from its
 *   signature, or does not make a URL. A value cannot make the host another one than the template means.
 */
export function renderTemplate(template: string, values: ReadonlyMap<string, string>): RenderedTemplate | undefined {
  if (!template.includes('{ext}')) return undefined;
  const aci = render(template, values, 'aci');
  const asc = render(template, values, 'aci.asc');
  return aci === undefined || asc === undefined ? undefined : { aci, asc };
}

/** Variables of a template for which there is no value. */
export function missingVariables(template: string, values: ReadonlyMap<string, string>): string[] {
  const names = [...template.matchAll(VARIABLE)].map(([, name]) => name as string);
  return names.filter((name) => name !== 'ext' && !values.has(name));
}

function render(template: string, values: ReadonlyMap<string, string>, ext: string): string | undefined {
  if (missingVariables(template, values).length > 0) return undefined;
  const fill = (text: string): string =>
    text.replace(VARIABLE, (_whole, name: string) => (name === 'ext' ? ext : (values.get(name) as string)));
  const [, scheme, host, rest] = PARTS.exec(template) ?? [];
  if (scheme === undefined || host === undefined || rest === undefined || !HOST.test(fill(host))) return undefined;
  const url = `${scheme}://${fill(host)}${fill(rest)}`;
  return URL.canParse(url) ? url : undefined;
}
