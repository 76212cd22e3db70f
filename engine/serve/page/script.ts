/**
 * The page's script. The page is whole without it; with it, the page keeps up with the store: on an event, and while
 * there is work, it takes its content anew from the server, which has written it.
 */
export const SCRIPT = `'use strict';
const content = document.getElementById('content');
const state = document.getElementById('state');
let wanted = false, busy = false, timer;
async function renew() {
  if (busy) { wanted = true; return; }
  busy = true; wanted = false;
  try {
    const answer = await fetch('/page/content', { headers: { accept: 'text/html' } });
    if (answer.ok) show(await answer.text());
  } catch { /* the stream says that the server is away */ }
  busy = false;
  clearTimeout(timer);
  if (wanted) timer = setTimeout(renew, 300);
  else if (content.querySelector('progress')) timer = setTimeout(renew, 1000);
  else timer = setTimeout(renew, 15000);
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
events.onopen = () => { state.textContent = 'live'; renew(); };
events.onerror = () => { state.textContent = 'the server is away; trying again'; };
for (const kind of ['imported', 'tagged', 'untagged', 'pinned', 'unpinned', 'rendered', 'removed', 'collected', 'repaired', 'missed'])
  events.addEventListener(kind, () => { clearTimeout(timer); timer = setTimeout(renew, 100); });
`;
