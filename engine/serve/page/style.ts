/** The page's style: one for light and dark, by the reader's own setting. */
export const STYLE = `:root {
  color-scheme: light dark;
  --ground: #fbfbf9; --ink: #1c1e21; --quiet: #5c6066; --line: #d9dad6; --raised: #ffffff; --link: #0b57a4;
  --own: #1f6feb; --shared: #8a5a00; --objects: #1f6feb; --blobs: #8a5a00; --trees: #2c7a4b; --index: #6b6f76;
  --alert: #a4161a; --alert-ground: #fdecec;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14161a; --ink: #e8e9ea; --quiet: #a2a7ae; --line: #343840; --raised: #1c1f25; --link: #8ab8f5;
    --own: #6aa5ff; --shared: #e0a84a; --objects: #6aa5ff; --blobs: #e0a84a; --trees: #63c08a; --index: #9aa0a8;
    --alert: #ff9a9a; --alert-ground: #3a1c1e;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
header, main, footer { max-width: 76rem; margin: 0 auto; padding: 0 1rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 1rem; padding-top: 1rem; }
h1 { font-size: 1.4rem; margin: 0; }
h2 { font-size: 1.05rem; margin: 1.8rem 0 .6rem; }
code { font: .9em ui-monospace, monospace; }
a { color: var(--link); }
a:focus-visible, [tabindex]:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; }
.skip:focus { position: static; }
.quiet, footer, dt, time { color: var(--quiet); }
.numbers { display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; margin: 0 0 1rem; }
.numbers dd { margin: 0; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.bar { display: block; width: 100%; height: 1rem; background: var(--line); border-radius: 3px; }
td .bar { height: .8rem; min-width: 10rem; margin-top: .3rem; }
.legend { list-style: none; padding: 0; margin: .6rem 0; display: flex; flex-wrap: wrap; align-items: center; gap: .3rem 1.4rem; }
.key { display: inline-block; width: .8rem; height: .8rem; border-radius: 2px; margin-right: .4rem; vertical-align: -1px; }
.own { fill: var(--own); } .shared { fill: var(--shared); } .objects { fill: var(--objects); }
.blobs { fill: var(--blobs); } .trees { fill: var(--trees); } .index { fill: var(--index); }
.key.own { background: var(--own); } .key.shared { background: var(--shared); } .key.objects { background: var(--objects); }
.key.blobs { background: var(--blobs); } .key.trees { background: var(--trees); } .key.index { background: var(--index); }
.wide { overflow-x: auto; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .35rem .7rem; border-bottom: 1px solid var(--line); vertical-align: top; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { color: var(--quiet); font-weight: 500; white-space: nowrap; }
tbody th { font-weight: 500; overflow-wrap: anywhere; min-width: 17rem; }
td { white-space: nowrap; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
.picture { width: 30%; }
.tag { font-size: .8em; border: 1px solid var(--line); border-radius: 1em; padding: 0 .5em; margin-left: .5em; color: var(--quiet); }
.work { list-style: none; padding: 0; } .work li { display: flex; flex-wrap: wrap; gap: .3rem 1rem; align-items: center; }
progress { accent-color: var(--own); width: 14rem; max-width: 100%; }
.events { list-style: none; padding: 0; }
.damage { border: 2px solid var(--alert); background: var(--alert-ground); border-radius: 6px; padding: 0 1rem .5rem; margin-top: 1rem; }
.damage h2 { color: var(--alert); margin-top: .8rem; }
footer { padding-top: 1.5rem; padding-bottom: 2rem; }
`;
