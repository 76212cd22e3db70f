/** What stands on the page, section by section. */
import { type Html, html } from './html.js';
import { type BarPart, bar } from './picture.js';
import type { PageImage, PageState } from './state.js';
import { counted, shortHash, sizeText, timeText } from './words.js';

export function contentOf(state: PageState): Html {
  return html`${damageIn(state)}${numbersIn(state)}${workIn(state)}${imagesIn(state)}${treesIn(state)}${podsIn(state)}${freeIn(state)}${eventsIn(state)}`;
}

function section(id: string, title: string, body: Html): Html {
  return html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>${body}</section>`;
}

function damageIn({ damaged }: PageState): Html | undefined {
  if (damaged.length === 0) return undefined;
  const items = damaged.map(({ what, why }) => html`<li><strong>${what}</strong>: ${why}</li>`);
  return html`<section class="damage" role="alert" aria-labelledby="damage">
<h2 id="damage">Damage</h2>
<p>${counted(damaged.length, 'part')} of the store cannot be read. <code>cairn fsck --repair</code> mends what can be mended.</p>
<ul>${items}</ul></section>`;
}

function numbersIn({ counts, stored }: PageState): Html {
  const parts: BarPart[] = [
    { kind: 'objects', label: 'files of layers', bytes: stored.objects },
    { kind: 'blobs', label: 'documents and archives', bytes: stored.blobs },
    { kind: 'trees', label: 'trees alone', bytes: stored.trees },
    { kind: 'index', label: 'index', bytes: stored.index },
  ];
  const total = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const legend = parts.map(
    ({ kind, label, bytes }) =>
      html`<li><span class="key ${kind}" aria-hidden="true"></span>${label} <b>${sizeText(bytes)}</b></li>`,
  );
  return section(
    'stored',
    'What is stored',
    html`<dl class="numbers">
<div><dt>images</dt><dd>${counts.images}</dd></div>
<div><dt>layers</dt><dd>${counts.layers}</dd></div>
<div><dt>files</dt><dd>${counts.objects}</dd></div>
<div><dt>trees</dt><dd>${counts.trees}</dd></div>
<div><dt>in all</dt><dd>${sizeText(total)}</dd></div>
</dl>${bar('what is stored', parts, total)}<ul class="legend">${legend}</ul>`,
  );
}

function workIn({ running }: PageState): Html {
  if (running.length === 0) return section('work', 'At work', html`<p class="quiet">The server is at nothing.</p>`);
  const items = running.map(({ what, about, begun, progress }) => {
    const { done = 0, total, unit } = progress ?? {};
    const text = unit === 'bytes' ? sizeText(done) : `${done}`;
    const ofAll = total === undefined ? '' : ` of ${unit === 'bytes' ? sizeText(total) : total}`;
    const told = progress === undefined ? 'has begun' : `${text}${ofAll}`;
    const meter =
      total === undefined
        ? html`<progress aria-label="${what} ${about}"></progress>`
        : html`<progress aria-label="${what} ${about}" value="${done}" max="${Math.max(1, total)}"></progress>`;
    return html`<li><span>${what} <b>${about}</b></span> ${meter} <span>${told}, since ${timeText(begun)}</span></li>`;
  });
  return section('work', 'At work', html`<ul class="work">${items}</ul>`);
}

function imagesIn({ images, counts }: PageState): Html {
  if (images.length === 0)
    return section(
      'images',
      'Images',
      html`<p class="quiet">There are none yet: <code>cairn import FILE</code> and <code>cairn fetch REF</code> bring some.</p>`,
    );
  const largest = Math.max(1, ...images.map(({ ownBytes, sharedBytes }) => ownBytes + sharedBytes));
  const rows = images.map((image) => imageRow(image, largest));
  const left = counts.images - images.length;
  return section(
    'images',
    'Images',
    html`<ul class="legend"><li><span class="key own" aria-hidden="true"></span>layers of its own</li>
<li><span class="key shared" aria-hidden="true"></span>layers that other images have, too</li></ul>
<div class="wide" tabindex="0" role="region" aria-label="table of images"><table>
<thead><tr><th scope="col">image</th><th scope="col">id</th><th scope="col">platform</th><th scope="col" class="n">own</th>
<th scope="col" class="n">shared</th><th scope="col" class="picture">own and shared</th><th scope="col">used</th></tr></thead>
<tbody>${rows}</tbody></table></div>${left > 0 ? html`<p class="quiet">and ${counted(left, 'smaller image')}</p>` : undefined}`,
  );
}

function imageRow(image: PageImage, largest: number): Html {
  const { key, names, format, platform, ownBytes, sharedBytes, pinned, lastUsed } = image;
  const [first, ...others] = names;
  const name = first === undefined ? html`<i>no name</i>` : html`<span>${first}</span>`;
  const parts = [
    { kind: 'own', label: 'own', bytes: ownBytes },
    { kind: 'shared', label: 'shared', bytes: sharedBytes },
  ];
  const link = `/api/v1/images/${key}`;
  return html`<tr><th scope="row">${name}${pinned ? html`<span class="tag">pinned</span>` : undefined}${others.map((each) => html`<div>${each}</div>`)}</th>
<td><a href="${link}"><code>${shortHash(key)}</code></a></td><td>${[format, platform].filter(Boolean).join(' ')}</td>
<td class="n">${sizeText(ownBytes)}</td><td class="n">${sizeText(sharedBytes)}</td>
<td class="picture">${bar(names[0] ?? key, parts, largest)}</td><td>${timeText(lastUsed)}</td></tr>`;
}

function treesIn({ trees, counts }: PageState): Html {
  if (trees.length === 0) return section('trees', 'Trees', html`<p class="quiet">No image is rendered.</p>`);
  const rows = trees.map(
    ({
      id,
      of,
      files,
      bytes,
      mode,
      lastUsed,
    }) => html`<tr><th scope="row"><code>${shortHash(id)}</code></th><td>${of}</td>
<td class="n">${files}</td><td class="n">${sizeText(bytes)}</td><td>${mode}</td><td>${timeText(lastUsed)}</td></tr>`,
  );
  const left = counts.trees - trees.length;
  return section(
    'trees',
    'Trees',
    html`<div class="wide" tabindex="0" role="region" aria-label="table of trees"><table>
<thead><tr><th scope="col">tree</th><th scope="col">of</th><th scope="col" class="n">files</th><th scope="col" class="n">size</th>
<th scope="col">mode</th><th scope="col">used</th></tr></thead><tbody>${rows}</tbody></table></div>${
      left > 0 ? html`<p class="quiet">and ${counted(left, 'other tree')}</p>` : undefined
    }`,
  );
}

function podsIn({ pods, podCount }: PageState): Html {
  if (pods.length === 0) return section('pods', 'Pods', html`<p class="quiet">No pod is prepared.</p>`);
  const rows = pods.map(
    ({
      id,
      apps,
      state,
      codes,
      createdAt,
    }) => html`<tr><th scope="row"><a href="/api/v1/pods/${id}"><code>${id.slice(0, 8)}</code></a></th>
<td>${apps.join(', ')}</td><td>${state}</td><td>${codes}</td><td>${timeText(createdAt)}</td></tr>`,
  );
  const left = podCount - pods.length;
  return section(
    'pods',
    'Pods',
    html`<div class="wide" tabindex="0" role="region" aria-label="table of pods"><table>
<thead><tr><th scope="col">pod</th><th scope="col">apps</th><th scope="col">state</th><th scope="col">exit codes</th>
<th scope="col">prepared</th></tr></thead><tbody>${rows}</tbody></table></div>${
      left > 0 ? html`<p class="quiet">and ${counted(left, 'older pod')}</p>` : undefined
    }`,
  );
}

/** A name as it is, a hash in short. */
function shown(title: string): string {
  return /^(?:deps-)?sha512-/.test(title) ? shortHash(title) : title;
}

function freeIn({ free }: PageState): Html {
  const { bytes, images, trees } = free;
  if (bytes === 0 && images.length + trees.length === 0)
    return section('free', 'What gc would free', html`<p class="quiet">Nothing: all that is here is needed.</p>`);
  const items = [...images.map((name) => `image ${shown(name)}`), ...trees.map((id) => `tree ${shown(id)}`)];
  const what = [
    ...(images.length === 0 ? [] : [counted(images.length, 'image')]),
    ...(trees.length === 0 ? [] : [counted(trees.length, 'tree')]),
    'what nothing needs',
  ];
  return section(
    'free',
    'What gc would free',
    html`<p><b>${sizeText(bytes)}</b>: ${what.join(', ')}.</p>
${items.length === 0 ? undefined : html`<ul>${items.map((item) => html`<li>${item}</li>`)}</ul>`}`,
  );
}

function eventsIn({ events }: PageState): Html {
  if (events.length === 0) return section('events', 'Lately', html`<p class="quiet">Nothing has happened yet.</p>`);
  const items = events.map(
    ({ at, event, about }) =>
      html`<li><time datetime="${new Date(at).toISOString()}">${timeText(at)}</time> ${event} <b>${shown(about)}</b></li>`,
  );
  return section('events', 'Lately', html`<ol class="events">${items}</ol>`);
}
