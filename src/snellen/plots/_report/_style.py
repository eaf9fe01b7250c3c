"""Looks of the HTML report: light, dark and on paper."""

STYLE = """
:root { color-scheme: light dark; --text: #1a1d21; --soft: #5a6270; --line: #d5d9e0;
  --page: #ffffff; --band: #f4f6f9; --accent: #2a5d9f; --wrong: #a3261b; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e7ec; --soft: #a3abb8; --line: #3a414d;
  --page: #15181d; --band: #1e2229; --accent: #8ab4f0; --wrong: #ff9a8d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 1.5rem 1.25rem 4rem; background: var(--page);
  color: var(--text); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .4rem; border-bottom: 2px solid var(--line);
  padding-bottom: .2rem; }
h3 { font-size: 1rem; margin: 1.4rem 0 .3rem; overflow-wrap: anywhere; }
p { margin: .4rem 0; max-width: 52rem; }
a { color: var(--accent); }
code { overflow-wrap: anywhere; font-size: .9em; }
.soft, figcaption, caption { color: var(--soft); font-size: .875rem; }
nav ul { list-style: none; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; padding: 0;
  margin: .5rem 0; }
.scroll { overflow-x: auto; margin: .8rem 0; }
table { border-collapse: collapse; font-size: .9rem; width: 100%; }
caption { caption-side: top; text-align: left; padding-bottom: .3rem; }
th, td { text-align: left; vertical-align: top; padding: .32rem .7rem .32rem .4rem;
  border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
thead th { border-bottom: 2px solid var(--line); overflow-wrap: anywhere; min-width: 5.5rem; }
tbody tr:nth-child(odd) { background: var(--band); }
tbody th { font-weight: 600; }
td small, th small { color: var(--soft); font-weight: 400; display: block; }
figure { margin: 1rem 0; }
figure img { display: block; max-width: 100%; height: auto; background: #fff;
  border: 1px solid var(--line); border-radius: 6px; padding: 6px; }
figcaption { margin-top: .35rem; max-width: 52rem; }
.wrong { border-left: 4px solid var(--wrong); padding: .4rem .8rem; background: var(--band); }
.wrong strong { color: var(--wrong); }
.note { border-left: 4px solid var(--accent); padding: .4rem .8rem; background: var(--band); }
details { margin: .6rem 0; }
summary { cursor: pointer; color: var(--accent); }
pre { overflow: auto; max-height: 30rem; padding: .8rem; background: var(--band);
  font-size: .75rem; white-space: pre-wrap; overflow-wrap: anywhere; }
dt { font-weight: 600; margin-top: .7rem; }
dd { margin: 0 0 0 1.2rem; max-width: 50rem; }
@page { margin: 14mm; }
@media print { :root { --text: #000; --soft: #444; --line: #bbb; --page: #fff; --band: #fff;
    --accent: #000; --wrong: #900; }
  body { font-size: 10pt; padding: 0; max-width: none; }
  nav { display: none; }
  .page { break-after: page; }
  .page table { font-size: 8.5pt; }
  .page figure img { max-height: 75mm; width: auto; margin: 0; }
  figure, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; } }
""".strip()
