// Lines as SVG.

/** A line. */
export interface Line {
  readonly label: string;
  /** What colour it has: the mesh as it is, one of the others, or the control. */
  readonly kind: "mesh" | "other" | "more" | "control";
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** A chart. */
export interface Chart {
  /** Name of the file, without its ending. */
  readonly file: string;
  readonly title: string;
  readonly subtitle: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly Line[];
  /** A level that matters, such as the goal. */
  readonly level?: { readonly y: number; readonly label: string } | undefined;
  /** A time in which something is wrong. */
  readonly band?: { readonly from: number; readonly until: number; readonly label: string } | undefined;
}

/** An axis. */
export interface Axis {
  readonly label: string;
  readonly from: number;
  readonly until: number;
  readonly ticks: readonly number[];
  readonly unit?: string | undefined;
  /** Whether equal distances are equal factors. Default false. */
  readonly log?: boolean | undefined;
}

const [width, height] = [860, 360];
const box = { left: 70, top: 92, right: width - 24, bottom: height - 48 };

/** The page behind a picture may be light or dark, so the picture brings its own background for either. */
const style = `
  text { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; }
  .muted { fill: #59636e; }
  .page { fill: #ffffff; stroke: #d1d9e0; }
  .grid { stroke: #d1d9e0; stroke-width: 1; }
  .band { fill: #cf222e; opacity: 0.07; }
  .level { stroke: #1a7f37; stroke-width: 1.5; stroke-dasharray: 5 4; fill: none; }
  .line { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
  .mesh { stroke: #0969da; } .other { stroke: #8250df; } .more { stroke: #9a6700; } .control { stroke: #cf222e; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .muted { fill: #9198a1; }
    .page { fill: #0d1117; stroke: #3d444d; }
    .grid { stroke: #2f353d; }
    .band { fill: #f85149; opacity: 0.13; }
    .level { stroke: #3fb950; }
    .mesh { stroke: #4493f8; } .other { stroke: #ab7df8; } .more { stroke: #d29922; } .control { stroke: #f85149; }
  }`;

/** Draws a chart as an SVG document. */
export function draw(chart: Chart): string {
  const { title, subtitle, x, y, lines, level, band } = chart;
  const toX = scale(x, box.left, box.right);
  const toY = scale(y, box.bottom, box.top);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escaped(title)}</title>`,
    `<style>${style}\n</style>`,
    `<rect class="page" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="6"/>`,
    text(20, 30, title, "title"),
    text(20, 50, subtitle, "muted"),
    ...legend(lines),
  ];
  if (band !== undefined) {
    const [from, until] = [toX(band.from), toX(band.until)];
    parts.push(
      `<rect class="band" x="${short(from)}" y="${box.top}" width="${short(until - from)}" height="${box.bottom - box.top}"/>`,
      text((from + until) / 2, box.top + 14, band.label, "muted", "middle"),
    );
  }
  for (const tick of y.ticks) {
    parts.push(`<path class="grid" d="M${box.left} ${short(toY(tick))}H${box.right}"/>`);
    parts.push(text(box.left - 8, toY(tick) + 4, `${tick}${y.unit ?? ""}`, "muted", "end"));
  }
  for (const tick of x.ticks) parts.push(text(toX(tick), box.bottom + 18, `${tick}${x.unit ?? ""}`, "muted", "middle"));
  parts.push(text((box.left + box.right) / 2, box.bottom + 36, x.label, "muted", "middle"));
  parts.push(text(box.left, box.top - 8, y.label, "muted"));
  if (level !== undefined) {
    parts.push(`<path class="level" d="M${box.left} ${short(toY(level.y))}H${box.right}"/>`);
    parts.push(text(box.right - 4, toY(level.y) - 5, level.label, "muted", "end"));
  }
  for (const { kind, points } of lines) {
    const path = points.map(([px, py], at) => `${at === 0 ? "M" : "L"}${short(toX(px))} ${short(toY(py))}`).join("");
    parts.push(`<path class="line ${kind}" d="${path}"/>`);
  }
  return `${parts.join("\n")}\n</svg>\n`;
}

function legend(lines: readonly Line[]): readonly string[] {
  let left = 20;
  return lines.flatMap(({ label, kind }) => {
    const at = left;
    left += 34 + label.length * 6.4;
    return [`<path class="line ${kind}" d="M${at} 66h16"/>`, text(at + 21, 70, label, "")];
  });
}

/** From a value to a place; values beyond the axis lie on its end. */
function scale({ from, until, log = false }: Axis, start: number, end: number): (value: number) => number {
  const at = log ? Math.log : (value: number) => value;
  const [low, high] = [at(from), at(until)];
  return (value) => {
    const share = (at(Math.max(value, log ? Number.MIN_VALUE : -Infinity)) - low) / (high - low);
    return start + Math.min(1, Math.max(0, share)) * (end - start);
  };
}

function text(x: number, y: number, content: string, kind: string, anchor?: "middle" | "end"): string {
  const attributes = `${kind === "" ? "" : ` class="${kind}"`}${anchor === undefined ? "" : ` text-anchor="${anchor}"`}`;
  return `<text${attributes} x="${short(x)}" y="${short(y)}">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}
