/**
 * The status page in a browser: its four states in light and dark, told by roles and text, live, with the keyboard, and
 * without its script. Screenshots go to the directory that `CAIRN_SCREENSHOTS` names.
 */
import assert from 'node:assert/strict';
import * as fs from 'node:fs';
import * as http from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { hexOf } from '../../engine/core/key.js';
import { STYLE } from '../../engine/serve/page/style.js';
import { aci } from '../fixtures/archive.js';
import { NO_CHROMIUM, startChromium } from '../fixtures/chromium.js';
import { noise, Served } from '../fixtures/served.js';

/** Under load a browser takes its time. */
const WAIT_MS = 60_000;
const SCHEMES = ['light', 'dark'] as const;

let served: Served;
let browser: Browser | undefined;
let screenshots: string;

before(async () => {
  served = await Served.start({ write: true });
  screenshots = process.env['CAIRN_SCREENSHOTS'] ?? join(served.dir, 'screenshots');
  fs.mkdirSync(screenshots, { recursive: true });
  if (NO_CHROMIUM === false) browser = await startChromium();
});
after(async () => {
  await browser?.close();
  await served.stop();
});

/** Opens a page. Whatever goes wrong on it, and whatever it asks of others, is a fault. */
async function openPage(options: object = {}): Promise<{ page: Page; faults: string[] }> {
  const context = await (browser as Browser).newContext({ viewport: { width: 1100, height: 900 }, ...options });
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('request', (request) => {
    if (new URL(request.url()).host !== served.host) faults.push(`asked ${request.url()}`);
  });
  await page.goto(served.server.url);
  return { page, faults };
}

let opened: Awaited<ReturnType<typeof openPage>> | undefined;

/** The page that most tests share, which is live. */
async function live(): Promise<Page> {
  opened ??= await openPage();
  const { page, faults } = opened;
  await page.getByRole('status').getByText('live').waitFor();
  assert.deepEqual(faults, []);
  return page;
}

/** Takes a state in light and in dark, once the page shows it. */
async function shown(state: string, look: (page: Page) => Promise<void>): Promise<void> {
  const page = await live();
  await look(page);
  const pictures: Buffer[] = [];
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme });
    const ground = await page.evaluate('getComputedStyle(document.body).backgroundColor');
    assert.equal(ground, colorScheme === 'light' ? 'rgb(251, 251, 249)' : 'rgb(20, 22, 26)');
    pictures.push(await page.screenshot({ path: join(screenshots, `${state}-${colorScheme}.png`), fullPage: true }));
  }
  assert.ok(pictures.every((each) => each.length > 5000) && !pictures[0]?.equals(pictures[1] as Buffer));
  assert.deepEqual(opened?.faults, []);
}

const section = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

test('an empty store says how to fill it', { skip: NO_CHROMIUM }, async () => {
  await shown('empty', async (page) => {
    await page.getByRole('heading', { level: 1, name: 'cairn' }).waitFor();
    await section(page, 'Images').getByText('There are none yet').waitFor();
    await section(page, 'Trees').getByText('No image is rendered').waitFor();
    await section(page, 'Pods').getByText('No pod is prepared').waitFor();
    await section(page, 'At work').getByText('The server is at nothing').waitFor();
    await section(page, 'What gc would free').getByText('Nothing: all that is here is needed').waitFor();
    await section(page, 'Lately').getByText('Nothing has happened yet').waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);
    assert.equal(await page.getByRole('table').count(), 0);
  });
});

test('a full store shows images with what they take and share, trees, and what gc would free', {
  skip: NO_CHROMIUM,
}, async () => {
  await served.fill();
  await served.store.render('app:gzip');
  await served.store.pin('app:gzip');
  const pod = await served.store.preparePod(['app:gzip']);
  await shown('full', async (page) => {
    const images = section(page, 'Images').getByRole('row');
    await images.nth(4).waitFor();
    assert.equal(await images.count(), 5);
    const app = section(page, 'Images').getByRole('row', { name: 'app:gzip' });
    await app.getByText('pinned').waitFor();
    // The lower layer is that of the other image, too; its archive is the other's own.
    await app.getByRole('img', { name: /^app:gzip: own \d+ B, shared 300 KB$/ }).waitFor();
    await section(page, 'Images')
      .getByRole('img', { name: /^kept:1: own 300 KB, shared 300 KB$/ })
      .waitFor();
    await section(page, 'What is stored')
      .getByRole('img', { name: /^what is stored: files of layers \d+ KB, / })
      .waitFor();
    const tree = section(page, 'Trees').getByRole('row', { name: 'app:gzip' });
    await tree.getByRole('cell', { name: 'link' }).waitFor();
    const pods = section(page, 'Pods').getByRole('row', { name: pod.id.slice(0, 8) });
    await pods.getByRole('cell', { name: 'prepared', exact: true }).waitFor();
    await section(page, 'Lately').getByText('rendered').waitFor();
    assert.equal(
      await app.getByRole('link').getAttribute('href'),
      `/api/v1/images/${await served.store.lookUp('app:gzip')}`,
    );
  });
});

test('work is shown with how far it is', { skip: NO_CHROMIUM }, async () => {
  const file = join(served.dir, 'large.aci');
  fs.writeFileSync(file, aci({ name: 'example.com/large' }, [{ name: 'f', content: noise(12_000_000) }]));
  await served.store.import(file);
  const manifest = await served.json<{ layers: { digest: string }[] }>('/v2/example.com/large/manifests/latest');
  const path = `/v2/example.com/large/blobs/${manifest.layers[0]?.digest}`;
  const request = http.get({ host: '127.0.0.1', port: served.host.split(':')[1], path, agent: false }, (got) =>
    got.pause(),
  );
  await shown('working', async (page) => {
    const work = section(page, 'At work');
    await work.getByText(/sending example\.com\/large sha256:/).waitFor();
    await work.getByText(/ of 12\.0 MB, since /).waitFor();
    const meter = work.getByRole('progressbar', { name: /sending example\.com\/large/ });
    assert.equal(await meter.getAttribute('max'), '12003328');
    assert.ok(Number(await meter.getAttribute('value')) > 0);
  });
  request.destroy();
});

test('the page keeps up with the store by itself, and keeps the focus where it is', { skip: NO_CHROMIUM }, async () => {
  const page = await live();
  await page.reload();
  await live();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.textContent'), 'To the content');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.getAttribute("aria-label")'), 'table of images');
  await page.keyboard.press('Tab');
  const href = 'document.activeElement.getAttribute("href")';
  const before = (await page.evaluate(href)) as string;
  assert.match(before, /^\/api\/v1\/images\/sha512-/);
  await served.store.tag('kept:1', 'kept:from-elsewhere');
  await section(page, 'Images').getByText('kept:from-elsewhere').waitFor();
  await section(page, 'Lately').getByText('tagged').first().waitFor();
  assert.equal(await page.evaluate(href), before);
  await served.store.untag(['kept:from-elsewhere']);
  await section(page, 'Images').getByText('kept:from-elsewhere').waitFor({ state: 'detached' });
});

test('without its script the page says the same', { skip: NO_CHROMIUM }, async () => {
  const { page, faults } = await openPage({ javaScriptEnabled: false });
  await page.getByRole('status').getByText('as of now; reload for news').waitFor();
  await section(page, 'Images').getByRole('row', { name: 'app:gzip' }).waitFor();
  await section(page, 'What is stored').getByRole('img').waitFor();
  assert.deepEqual(faults, []);
  await page.close();
});

test('nothing but the server’s own script runs', { skip: NO_CHROMIUM }, async () => {
  const page = await live();
  await page.evaluate(
    `const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)`,
  );
  assert.equal(await page.evaluate('window.ran'), undefined);
  assert.match(opened?.faults.splice(0).join() ?? '', /Content Security Policy/);
});

test('a damaged store says what is damaged, first of all', { skip: NO_CHROMIUM }, async () => {
  const { key } = await served.store.import(join(served.dir, 'base.aci'));
  const manifest = await served.store.inspect(key);
  assert.deepEqual(manifest.damaged, []);
  const record = await served.store.resolve(key);
  const hex = hexOf(record.manifest);
  const path = join(served.dir, 'store/blobs/sha512', hex.slice(0, 2), hex.slice(2));
  fs.chmodSync(path, 0o600);
  fs.writeFileSync(path, 'something else');
  // Damage comes without an event; a change makes the page look again.
  await served.store.unpin('app:gzip');
  await shown('damaged', async (page) => {
    const alert = page.getByRole('alert');
    await alert.getByRole('heading', { name: 'Damage' }).waitFor();
    await alert.getByText(/example\.com\/base.*: a blob does not have its hash/).waitFor();
    await alert.getByText('cairn fsck --repair', { exact: true }).waitFor();
    assert.equal(await page.evaluate('document.querySelector("main section").getAttribute("role")'), 'alert');
  });
});

test('texts stand out from their ground in both schemes', () => {
  const [light, dark] = STYLE.split('@media (prefers-color-scheme: dark)').map(
    (part) => new Map([...part.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name, value]) => [name, value])),
  ) as [Map<string, string>, Map<string, string>];
  for (const scheme of [light, dark]) {
    for (const text of ['ink', 'quiet', 'link'])
      for (const ground of ['ground', 'raised'])
        assert.ok(contrast(scheme, text, ground) >= 4.5, `${text} on ${ground}`);
    assert.ok(contrast(scheme, 'alert', 'alert-ground') >= 4.5);
    for (const part of ['own', 'shared', 'objects', 'blobs', 'trees', 'index'])
      assert.ok(contrast(scheme, part, 'raised') >= 3, part);
  }
});

/** WCAG 2, contrast ratio. */
function contrast(scheme: ReadonlyMap<string, string>, a: string, b: string): number {
  const [one, two] = [a, b].map((name) => luminance(scheme.get(name) as string)) as [number, number];
  return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
}

function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
