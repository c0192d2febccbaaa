"""Style sheet of the report, and the script that sorts its tables."""

CSS = """
:root { --ink: #1b1f24; --soft: #5c6570; --line: #dfe3e8; --tint: #f6f7f9; --accent: #1f5fa8; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1080px; padding: 48px 32px 96px; color: var(--ink); background: #fff;
  font: 15px/1.55 "Inter", "Segoe UI", "Helvetica Neue", Arial, sans-serif; font-variant-numeric: tabular-nums; }
header p { margin: 0; color: var(--soft); }
h1 { font-size: 29px; line-height: 1.25; font-weight: 640; letter-spacing: -0.012em;
  margin: 6px 0 14px; max-width: 26em; }
h2 { font-size: 18px; font-weight: 640; margin: 52px 0 6px; }
p.lead { font-size: 17px; max-width: 46em; margin: 0; }
p.note { color: var(--soft); margin: 0 0 14px; max-width: 52em; }
.figures { display: flex; gap: 14px; margin: 26px 0 0; flex-wrap: wrap; }
.figure { border: 1px solid var(--line); border-radius: 8px; padding: 14px 20px; flex: 1 1 200px; }
.figure b { display: block; font-size: 30px; line-height: 1.2; font-weight: 620; letter-spacing: -0.02em; }
.figure span { color: var(--soft); font-size: 13px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th, td { padding: 6px 10px; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 600; color: var(--soft); vertical-align: bottom; }
th:first-child, td:first-child, td.text, th.text { text-align: left; }
tr.group td { padding-top: 20px; font-weight: 600; white-space: normal; border-bottom-color: #aab2bc; }
tr.best td:first-child { font-weight: 640; }
td small { display: block; color: var(--soft); font-size: 11px; line-height: 1.25; }
td.heat small { color: #434c56; }
td.heat { min-width: 70px; padding: 6px 8px; border-bottom: 2px solid #fff; border-right: 2px solid #fff; }
td.wrap { white-space: normal; text-align: left; max-width: 30em; }
table.sortable th { cursor: pointer; user-select: none; }
table.sortable th[data-order="1"]::after { content: " \\2191"; }
table.sortable th[data-order="-1"]::after { content: " \\2193"; }
table.pairs { width: auto; min-width: 320px; }
table.pairs td:first-child { color: var(--soft); }
.state { border-radius: 9px; padding: 1px 8px; font-size: 12px; background: var(--tint); color: var(--soft); }
.state.complete { background: #e6f0fa; color: #174f8c; }
.state.fail { background: #fbe9e4; color: #9c3312; }
figure.picture { margin: 22px 0 0; } figure.picture figcaption { color: var(--soft); font-size: 13px; }
figure.picture img { max-width: 100%; height: auto; }
details { margin-top: 14px; } summary { cursor: pointer; color: var(--accent); }
pre { background: var(--tint); border: 1px solid var(--line); border-radius: 8px; padding: 16px; overflow-x: auto;
  font: 12.5px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
@media (max-width: 800px) { body { padding: 28px 16px 64px; } td.heat { padding: 6px 4px; }
  td.heat small { font-size: 10px; letter-spacing: -0.02em; } }
@media print { body { padding: 0; max-width: none; } details { display: none; } }
"""

SORT = """
document.querySelectorAll("table.sortable th").forEach(function (head) {
  head.addEventListener("click", function () {
    var body = head.closest("table").tBodies[0], column = head.cellIndex;
    var order = head.dataset.order === "-1" ? 1 : -1;
    head.parentNode.querySelectorAll("th").forEach(function (other) { delete other.dataset.order; });
    head.dataset.order = order;
    var key = function (row) { return row.cells[column].dataset.value; };
    Array.from(body.rows).sort(function (a, b) {
      var x = key(a), y = key(b), p = parseFloat(x), q = parseFloat(y);
      if (x === "" || y === "") { return (x === "") - (y === ""); }
      return order * (isNaN(p) || isNaN(q) ? x.localeCompare(y) : p - q);
    }).forEach(function (row) { body.appendChild(row); });
  });
});
"""
