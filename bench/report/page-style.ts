/** The style of the report's page, in a light and a dark scheme. */
export const PAGE_STYLE = `
:root { color-scheme: light dark; --ground: #fff; --text: #1c2024; --soft: #667079; --edge: #d8dde2; --own: #1666c0;
  --peer: #a9b4bf; --second: #c2571a; --good: #18794e; --bad: #b42318; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171a; --text: #e6e9ec; --soft: #98a2ac; --edge: #333a41;
  --own: #5aa2f0; --peer: #5c6670; --second: #ef9058; --good: #4cc38a; --bad: #ff8b7b; } }
body { margin: 0 auto; max-width: 62rem; padding: 1.5rem; background: var(--ground); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; } h2 { margin: 2.2rem 0 .3rem; font-size: 1.2rem; } p { margin: .3rem 0 .8rem; }
.soft, .remarks { color: var(--soft); } .remarks { font-size: .9em; padding-left: 1.2rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .8rem .2rem 0; border-bottom: 1px solid var(--edge); text-align: left; vertical-align: top; }
th { color: var(--soft); font-weight: 500; } td:not(:first-child) { white-space: nowrap; }
.facts td { white-space: normal; overflow-wrap: anywhere; }
.met { color: var(--good); } .missed { color: var(--bad); }
svg { display: block; width: 100%; max-width: 46rem; margin: .6rem 0; font: 12px system-ui, sans-serif; }
svg .label { fill: var(--text); } svg .value { fill: var(--soft); }
svg .own, svg .part0 { fill: var(--own); } svg .peer { fill: var(--peer); } svg .part1 { fill: var(--second); }
svg .whisker { stroke: var(--text); stroke-width: 1.2; fill: none; } svg .grid { stroke: var(--edge); }
svg .line0, svg .line1 { fill: none; stroke-width: 2; } svg .line0 { stroke: var(--own); } svg .line1 { stroke: var(--second); }
svg .dot0 { fill: var(--own); } svg .dot1 { fill: var(--second); }
`;
