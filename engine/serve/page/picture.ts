/**
 * Pictures of sizes, as SVG: bars whose parts are told apart by colour, by order, and by a text that each has. All
 * lengths are worked out here, so that a strict policy of content needs no style of its own for any of them.
 */
import { type Html, html } from './html.js';
import { sizeText } from './words.js';

export interface BarPart {
  /** A class of the style sheet, which gives the colour. */
  kind: string;
  label: string;
  bytes: number;
}

const WIDTH = 1000;
const HEIGHT = 16;
/** Below a part that would be thinner nothing could be seen. */
const THINNEST = 2;

/** @param full the bytes that the whole width stands for */
export function bar(label: string, parts: readonly BarPart[], full: number): Html {
  const seen = parts.filter(({ bytes }) => bytes > 0);
  const told = seen.map((part) => `${part.label} ${sizeText(part.bytes)}`).join(', ') || 'nothing';
  let x = 0;
  const rects = seen.map(({ kind, label: name, bytes }) => {
    const width = Math.max(THINNEST, (bytes / Math.max(1, full)) * WIDTH);
    const at = Math.min(x, WIDTH - THINNEST);
    x += width;
    const shown = Math.min(width, WIDTH - at);
    return html`<rect class="${kind}" x="${at.toFixed(1)}" y="0" width="${shown.toFixed(1)}" height="${HEIGHT}"><title>${name}: ${sizeText(bytes)}</title></rect>`;
  });
  return html`<svg class="bar" role="img" aria-label="${`${label}: ${told}`}" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none">${rects}</svg>`;
}
