/**
 * Charts as SVG text: bars with whiskers, stacked bars, lines. The page sets the colours, so that charts follow its
 * light or dark scheme.
 */
import type { Spread } from '../measure/statistics.js';

const WIDTH = 720;
const LABEL = 250;
const VALUE = 90;
const ROW = 24;
const BAR = 14;

export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

export interface Bar {
  label: string;
  /** Written behind the bar. */
  text: string;
  spread: Spread;
  /** Bars of cairn's have another colour. */
  own: boolean;
}

/** Horizontal bars: each ends at the median, and its whisker reaches from the least to the most. */
export function barChart(title: string, bars: readonly Bar[]): string {
  const scale = scaleTo(Math.max(...bars.map(({ spread }) => spread.max)));
  const rows = bars.map(({ label, text, spread, own }, i) => {
    const middle = i * ROW + ROW / 2;
    const [min, at, max] = [spread.min, spread.median, spread.max].map((value) => LABEL + scale(value)) as Three;
    return (
      `${labelAt(label, middle)}<rect class="${own ? 'own' : 'peer'}" x="${LABEL}" y="${middle - BAR / 2}" ` +
      `width="${num(at - LABEL)}" height="${BAR}"><title>${escapeXml(`${label}: ${text}`)}</title></rect>` +
      `<path class="whisker" d="M${num(min)} ${middle}H${num(max)}M${num(min)} ${middle - 4}v8M${num(max)} ${middle - 4}v8"/>` +
      `<text class="value" x="${num(max + 6)}" y="${middle + 4}">${escapeXml(text)}</text>`
    );
  });
  return svg(title, bars.length * ROW, rows.join(''));
}

type Three = [number, number, number];

export interface Stack {
  label: string;
  parts: readonly { name: string; value: number }[];
  /** A mark across the bar, such as the elapsed time. */
  mark: number;
  text: string;
}

/** Horizontal bars of parts, one after the other. */
export function stackChart(title: string, stacks: readonly Stack[]): string {
  const most = stacks.map(({ parts, mark }) => Math.max(mark, ...[parts.reduce((sum, { value }) => sum + value, 0)]));
  const scale = scaleTo(Math.max(...most));
  const rows = stacks.map(({ label, parts, mark, text }, i) => {
    const middle = i * ROW + ROW / 2;
    let x = LABEL;
    const pieces = parts.map(({ name, value }, part) => {
      const piece =
        `<rect class="part${part}" x="${num(x)}" y="${middle - BAR / 2}" width="${num(scale(value))}" height="${BAR}">` +
        `<title>${escapeXml(`${label}: ${name}`)}</title></rect>`;
      x += scale(value);
      return piece;
    });
    const at = LABEL + scale(mark);
    const end = Math.max(x, at);
    return (
      `${labelAt(label, middle)}${pieces.join('')}<path class="whisker" d="M${num(at)} ${middle - 10}v20"/>` +
      `<text class="value" x="${num(end + 6)}" y="${middle + 4}">${escapeXml(text)}</text>`
    );
  });
  return svg(title, stacks.length * ROW, rows.join(''));
}

export interface Line {
  name: string;
  points: readonly { x: number; spread: Spread }[];
}

const PLOT = { left: 80, top: 16, width: 520, height: 200 };

/** Lines over a numeric axis, from zero up, with whiskers at the points. */
export function lineChart(title: string, xName: string, lines: readonly Line[], show: (y: number) => string): string {
  const points = lines.flatMap((line) => line.points);
  const [xs, most] = [points.map(({ x }) => x), Math.max(...points.map(({ spread }) => spread.max)) || 1];
  const [from, to] = [Math.min(...xs), Math.max(...xs)];
  const right = PLOT.left + PLOT.width;
  const bottom = PLOT.top + PLOT.height;
  const px = (x: number): number => PLOT.left + (to === from ? 0.5 : (x - from) / (to - from)) * PLOT.width;
  const py = (y: number): number => bottom - (y / most) * PLOT.height;
  const grid = [0, 0.5, 1].map(
    (part) =>
      `<path class="grid" d="M${PLOT.left} ${num(py(part * most))}H${right}"/>` +
      `<text class="value" text-anchor="end" x="${PLOT.left - 8}" y="${num(py(part * most) + 4)}">${escapeXml(show(part * most))}</text>`,
  );
  const ticks = [...new Set(xs)].map(
    (x) => `<text class="value" text-anchor="middle" x="${num(px(x))}" y="${bottom + 18}">${x}</text>`,
  );
  const drawn = lines.map(({ name, points: own }, i) => {
    const path = own
      .map(({ x, spread }, n) => `${n === 0 ? 'M' : 'L'}${num(px(x))} ${num(py(spread.median))}`)
      .join('');
    const dots = own.map(
      ({ x, spread }) =>
        `<path class="line${i}" d="M${num(px(x))} ${num(py(spread.min))}V${num(py(spread.max))}"/>` +
        `<circle class="dot${i}" cx="${num(px(x))}" cy="${num(py(spread.median))}" r="3.5">` +
        `<title>${escapeXml(`${name}, ${x}: ${show(spread.median)}`)}</title></circle>`,
    );
    const last = own.at(-1);
    const end = last === undefined ? bottom : py(last.spread.median);
    return `<path class="line${i}" d="${path}"/>${dots.join('')}<text class="value" x="${right + 10}" y="${num(end + 4)}">${escapeXml(name)}</text>`;
  });
  const axis = `<text class="value" text-anchor="middle" x="${PLOT.left + PLOT.width / 2}" y="${bottom + 36}">${escapeXml(xName)}</text>`;
  return svg(title, bottom + 44, `${grid.join('')}${ticks.join('')}${axis}${drawn.join('')}`);
}

function svg(title: string, height: number, content: string): string {
  const name = escapeXml(title);
  return (
    `<svg role="img" aria-label="${name}" viewBox="0 0 ${WIDTH} ${height}" xmlns="http://www.w3.org/2000/svg">` +
    `<title>${name}</title>${content}</svg>`
  );
}

function labelAt(label: string, middle: number): string {
  const cut = label.length > 42 ? `${label.slice(0, 41)}…` : label;
  return `<text class="label" text-anchor="end" x="${LABEL - 8}" y="${middle + 4}">${escapeXml(cut)}</text>`;
}

/** @returns what turns a value into pixels, with room for the text behind the longest bar */
function scaleTo(most: number): (value: number) => number {
  return (value) => (most > 0 ? (value / most) * (WIDTH - LABEL - VALUE) : 0);
}

function num(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}
