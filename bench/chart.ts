// Bars as SVG: one row for each contender, one column for each thing measured.

/** A bar. */
export interface Bar {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** A row of bars, one for each column; undefined where nothing was measured. */
export interface Row {
  readonly label: string;
  /** What colour it has. */
  readonly kind: "mesh" | "floor" | "peer";
  readonly bars: readonly (Bar | undefined)[];
}

/** A chart. */
export interface Chart {
  readonly title: string;
  readonly subtitle: string;
  readonly columns: readonly string[];
  readonly rows: readonly Row[];
}

const width = 960;
const margin = 20;
const labelWidth = 212;
const rowHeight = 21;
const barHeight = 13;
const headHeight = 92;
const valueWidth = 62;

/** The page behind a picture may be light or dark, so the picture brings its own background for either. */
const style = `
  text { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; }
  .muted { fill: #59636e; }
  .head { font-weight: 600; }
  .page { fill: #ffffff; stroke: #d1d9e0; }
  .mesh { fill: #0969da; }
  .floor { fill: #b6bfc8; }
  .peer { fill: #c98524; }
  .spread { stroke: #1f2328; stroke-width: 1; opacity: 0.7; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .muted { fill: #9198a1; }
    .page { fill: #0d1117; stroke: #3d444d; }
    .mesh { fill: #4493f8; }
    .floor { fill: #57606a; }
    .peer { fill: #d29922; }
    .spread { stroke: #e6edf3; }
  }`;

/** Draws a chart as an SVG document. */
export function draw({ title, subtitle, columns, rows }: Chart): string {
  const height = headHeight + rows.length * rowHeight + margin;
  const columnWidth = (width - 2 * margin - labelWidth) / columns.length;
  const longest = columnWidth - valueWidth - 8;
  const left = (column: number): number => margin + labelWidth + column * columnWidth;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" ` +
      `width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${style}\n</style>`,
    `<rect class="page" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="6"/>`,
    text(margin, 32, title, "title"),
    text(margin, 52, subtitle, "muted"),
    ...columns.map((name, at) => text(left(at), headHeight - 10, name, "head")),
    ...legend(),
  ];
  const scales = columns.map((_, at) => Math.max(...rows.map(({ bars }) => bars[at]?.high ?? 0)));
  for (const [index, { label, kind, bars }] of rows.entries()) {
    const top = headHeight + index * rowHeight;
    const middle = top + rowHeight / 2;
    parts.push(text(margin, middle + 4, label, kind === "mesh" ? "head" : ""));
    for (const [at, bar] of bars.entries()) {
      if (bar === undefined) continue;
      const x = (value: number): number => left(at) + (value / (scales[at] ?? 1)) * longest;
      const [start, end] = [left(at), Math.max(left(at) + 1, x(bar.value))];
      parts.push(
        `<rect class="${kind}" x="${fixed(start)}" y="${fixed(middle - barHeight / 2)}" ` +
          `width="${fixed(end - start)}" height="${barHeight}"/>`,
        `<path class="spread" d="M${fixed(x(bar.low))} ${fixed(middle)}H${fixed(x(bar.high))}"/>`,
        text(Math.max(end, x(bar.high)) + 5, middle + 4, grouped(bar.value), "muted"),
      );
    }
  }
  return `${parts.join("\n")}\n</svg>\n`;
}

function legend(): readonly string[] {
  const entries = [
    ["mesh", "connect-mesh", 360],
    ["floor", "bare Node: the floor", 240],
    ["peer", "others", 70],
  ] as const;
  return entries.flatMap(([kind, label, fromRight]) => {
    const x = width - margin - fromRight;
    return [`<rect class="${kind}" x="${x}" y="22" width="11" height="11"/>`, text(x + 16, 32, label, "muted")];
  });
}

function text(x: number, y: number, content: string, kind: string): string {
  const attribute = kind === "" ? "" : ` class="${kind}"`;
  return `<text${attribute} x="${fixed(x)}" y="${fixed(y)}">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** Thousands apart, by a narrow space. */
function grouped(value: number): string {
  return Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");
}
