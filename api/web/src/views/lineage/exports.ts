/** This file knows the forms in which what is drawn can be taken away: SVG, PNG, JSON, GraphML, and a table as CSV. */
import type { Drawn } from "./drawn";
import type { Edge, Node } from "./graph";
import style from "./picture.css?inline";

const VARIABLES =
  "paper sheet shade rule edge ink faint accent on-accent finetune merge adapter quantized conflict novelty".split(" ");

/** A drawn picture as a file of its own, in the colours of the page. */
export function svgText(picture: SVGSVGElement): string {
  const copy = picture.cloneNode(true) as SVGSVGElement;
  const probe = document.createElement("i");
  document.body.append(probe);
  const colours = VARIABLES.map((name) => {
    probe.style.color = `var(--${name})`;
    return `--${name}:${getComputedStyle(probe).color}`;
  });
  probe.remove();
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  for (const part of copy.querySelectorAll("[tabindex]")) part.removeAttribute("tabindex");
  const rules = document.createElementNS("http://www.w3.org/2000/svg", "style");
  rules.textContent = `svg{${colours.join(";")};background:var(--paper);font-family:system-ui,"DejaVu Sans",sans-serif}${style}`;
  copy.prepend(rules);
  return new XMLSerializer().serializeToString(copy);
}

const LARGEST = 16_000; // pixels a side that browsers draw

/** An SVG as PNG, twice as fine as on the page where it is not too large. */
export async function pngOf(svg: string, width: number, height: number): Promise<Blob> {
  const scale = Math.min(2, LARGEST / width, LARGEST / height);
  const image = new Image();
  const address = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((done, failed) =>
      canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("the picture is too large"))), "image/png"),
    );
  } finally {
    URL.revokeObjectURL(address);
  }
}

const date = (time: number | null): string | null => (time === null ? null : new Date(time).toISOString());

export function jsonText(drawn: Drawn, snapshot: string | null): string {
  const crowds = [...drawn.crowds.values()].flatMap((told) =>
    [...told.values()].map((each) => ({ baseModel: each.parent, relation: each.relation, count: each.left })),
  );
  const nodes = [...drawn.nodes.values()].map((node) => ({ ...node, created: date(node.created) }));
  return `${JSON.stringify({ snapshot, nodes, edges: drawn.edges, notDrawn: crowds }, null, 1)}\n`;
}

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`).replace(/[^\P{Cc}\t\n\r]/gu, "\ufffd");

export function graphmlText(drawn: Drawn): string {
  const ofNodes: [string, string, (node: Node) => string | number | null][] = [
    ["state", "string", (node) => node.state],
    ["created", "string", (node) => date(node.created)],
    ["downloads", "long", (node) => node.downloads],
    ["descendants", "long", (node) => node.descendants],
    ["licence", "string", (node) => node.licence],
    ["novelty", "double", (node) => node.novelty],
    ["noveltyClass", "string", (node) => node.kind],
  ];
  const ofEdges: [string, string, (edge: Edge) => string | number | boolean | null][] = [
    ["relation", "string", (edge) => edge.relation],
    ["evidence", "string", (edge) => edge.evidence.join(" ")],
    ["confidence", "double", (edge) => edge.confidence],
    ["conflict", "boolean", (edge) => edge.conflict],
    ["cosine", "double", (edge) => edge.cosine],
  ];
  const value = (key: string, data: string | number | boolean | null): string =>
    data === null ? "" : `<data key="${key}">${escaped(String(data))}</data>`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n',
    ...ofNodes.map(([key, kind]) => `<key id="${key}" for="node" attr.name="${key}" attr.type="${kind}"/>\n`),
    ...ofEdges.map(([key, kind]) => `<key id="${key}" for="edge" attr.name="${key}" attr.type="${kind}"/>\n`),
    '<graph edgedefault="directed">\n',
    ...[...drawn.nodes.values()].map(
      (node) =>
        `<node id="${escaped(node.id)}">${ofNodes.map(([key, , read]) => value(key, read(node))).join("")}</node>\n`,
    ),
    ...drawn.edges.map(
      (edge) =>
        `<edge source="${escaped(edge.model)}" target="${escaped(edge.base)}">${ofEdges
          .map(([key, , read]) => value(key, read(edge)))
          .join("")}</edge>\n`,
    ),
    "</graph>\n</graphml>\n",
  ].join("");
}

/** Fields that a spreadsheet would take for a formula begin with an apostrophe. */
export function csvText(rows: readonly (readonly (string | number | boolean | null)[])[]): string {
  const field = (value: string | number | boolean | null): string => {
    if (value === null) return "";
    const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return rows.map((row) => `${row.map(field).join(",")}\r\n`).join("");
}
