/** This file knows the colours of the map: of families as the service chose them, of words a colour each, of months a ramp. */
import type { Head, Legend } from "./files";

export const CHOICES = [
  ["family", "Family"],
  ["task", "Task"],
  ["licence", "Licence"],
  ["library", "Library"],
  ["relation", "How it was made"],
  ["novelty", "Novelty"],
  ["month", "Age"],
] as const;
export type Colouring = (typeof CHOICES)[number][0];

export const OTHERS = 254;
export const NONE = 255;
const DIM = 14; // alpha of what is filtered out

type Colour = [number, number, number];

function hsl(hue: number, strong: number, light: number): Colour {
  const part = (n: number): number => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (light - strong * Math.min(light, 1 - light) * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [part(0), part(8), part(4)];
}

const CLASSES: Record<string, Colour> = {
  new: [250, 247, 235],
  substantial: [245, 166, 60],
  light: [206, 197, 120],
  adapter: [176, 140, 235],
  "merged-known": [87, 190, 150],
  quantized: [110, 130, 155],
  recast: [95, 115, 140],
  repackaged: [85, 100, 125],
  copy: [200, 80, 80],
  unknown: [70, 78, 92],
};

const RAMP: Colour[] = [
  [68, 40, 130],
  [49, 104, 142],
  [31, 158, 137],
  [109, 205, 89],
  [253, 231, 60],
];

function ramp(part: number): Colour {
  const at = Math.min(RAMP.length - 1.001, Math.max(0, part * (RAMP.length - 1)));
  const from = RAMP[Math.floor(at)] ?? [0, 0, 0];
  const to = RAMP[Math.floor(at) + 1] ?? from;
  const share = at - Math.floor(at);
  return [0, 1, 2].map((n) => Math.round((from[n] ?? 0) * (1 - share) + (to[n] ?? 0) * share)) as Colour;
}

export function colourOf(head: Head, colouring: Colouring, entry: Legend): Colour {
  if (colouring === "family") {
    const text = head.palette[entry.code] ?? "#888888";
    return [1, 3, 5].map((at) => Number.parseInt(text.slice(at, at + 2), 16)) as Colour;
  }
  if (entry.code === NONE) return [74, 82, 98];
  if (entry.code === OTHERS) return [120, 126, 138];
  if (colouring === "month") {
    const months = (head.codes.month ?? []).filter((each) => each.code < NONE).map((each) => each.code);
    const first = Math.min(...months);
    const last = Math.max(...months);
    return ramp(last > first ? (entry.code - first) / (last - first) : 1);
  }
  if (colouring === "novelty") return CLASSES[entry.word ?? ""] ?? [120, 126, 138];
  return hsl((entry.code * 137.508 + 205) % 360, 0.62, entry.code % 3 === 1 ? 0.7 : 0.57);
}

/** The palette of one colouring. With `only`, all codes but these are dimmed. */
export function paletteOf(head: Head, colouring: Colouring, only: ReadonlySet<number>): Uint8Array {
  const palette = new Uint8Array(1024);
  const entries =
    colouring === "family" ? head.palette.map((_, code) => ({ code, count: 0 })) : (head.codes[colouring] ?? []);
  for (const entry of entries) {
    palette.set(colourOf(head, colouring, entry), entry.code * 4);
    const kept =
      only.size === 0 || only.has(colouring === "family" ? Math.floor(entry.code / head.shades) : entry.code);
    const lone = colouring === "family" && entry.code % head.shades === 0;
    palette[entry.code * 4 + 3] = !kept ? DIM : lone ? 150 : 225;
  }
  return palette;
}

/** What the legend of a colouring lists. */
export function legendOf(head: Head, colouring: Colouring): Legend[] {
  if (colouring !== "family") return head.codes[colouring] ?? [];
  return head.continents.map(({ name, count }, code) => ({ code, word: name, count }));
}
