/**
 * The page's script. The page is whole without it; with it, the page keeps up with the store: on an event, and while
 * there is work, it takes its content anew from the server, which has written it.
 */
export const SCRIPT = `'use strict';
const content = document.getElementById('content');
const state = document.getElementById('state');
let busy = false, due = Infinity, timer;
function later(ms) {
  const at = Date.now() + ms;
  if (at >= due) return;
  clearTimeout(timer);
  due = at;
  timer = setTimeout(renew, ms);
}
async function renew() {
  due = Infinity;
  if (busy) return later(300);
  busy = true;
  try {
    const answer = await fetch('/page/content', { headers: { accept: 'text/html' } });
    if (answer.ok) show(await answer.text());
  } catch { /* the stream says that the server is away */ }
  busy = false;
  later(content.querySelector('progress') ? 1000 : 15000);
}
function show(text) {
  const focused = document.activeElement;
  const place = focused && content.contains(focused) ? [...content.querySelectorAll('a,[tabindex]')].indexOf(focused) : -1;
  const scrolled = [...content.querySelectorAll('.wide')].map((each) => each.scrollLeft);
  content.innerHTML = text;
  content.querySelectorAll('.wide').forEach((each, i) => { each.scrollLeft = scrolled[i] || 0; });
  if (place >= 0) content.querySelectorAll('a,[tabindex]')[place]?.focus({ preventScroll: true });
}
const events = new EventSource('/api/v1/events');
events.onopen = () => { state.textContent = 'live'; later(0); };
events.onerror = () => { state.textContent = 'the server is away; trying again'; };
for (const kind of ['imported', 'tagged', 'untagged', 'pinned', 'unpinned', 'rendered', 'prepared', 'started', 'exited', 'removed', 'collected', 'repaired', 'missed'])
  events.addEventListener(kind, () => later(300));
`;
