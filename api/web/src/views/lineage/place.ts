/** This file knows measures of the picture, and where an item stands in pixels: by generation, or by date. */
import type { Drawn } from "./drawn";
import type { Item, Scene } from "./layout";

export const COLUMN = 326;
export const WIDTH = 252;
export const ROW = 38;
export const HEIGHT = 32;
export const LEFT = 16;
export const TOP = 10;
const TIMELINE = 1500;
const YEAR = 365.25 * 86_400_000;

export type Axis = "generation" | "date";

export interface Measures {
  width: number;
  height: number;
  x(item: Item): number;
  /** Words along the top, and where. */
  ticks: readonly { x: number; words: string }[];
}

export function measures(scene: Scene, drawn: Drawn, axis: Axis): Measures {
  const height = TOP + scene.rows * ROW + 12;
  if (axis === "generation")
    return {
      width: LEFT * 2 + (scene.columns - 1) * COLUMN + WIDTH + 56,
      height,
      x: (item) => LEFT + item.column * COLUMN,
      ticks: Array.from({ length: scene.columns }, (_, column) => ({
        x: LEFT + column * COLUMN,
        words: column === 0 ? "Origin" : `Generation ${column}`,
      })),
    };
  const times = [...drawn.nodes.values()].flatMap((node) => (node.created === null ? [] : [node.created]));
  const begin = Math.min(...times);
  const span = Math.max(YEAR / 4, Math.max(...times) - begin);
  const at = (time: number): number => LEFT + ((time - begin) / span) * TIMELINE;
  const places = new Map<string, number>();
  for (const item of scene.items) {
    // what has no date stands a little right of what it was made from, crowds where they begin
    const parent = item.parent === null ? undefined : places.get(item.parent);
    const time = item.model === null ? null : (drawn.nodes.get(item.model)?.created ?? null);
    places.set(item.key, time !== null && times.length > 0 ? at(time) : parent === undefined ? LEFT : parent + 28);
  }
  const first = new Date(begin).getUTCFullYear();
  const years = times.length === 0 ? [] : Array.from({ length: Math.ceil(span / YEAR) + 1 }, (_, n) => first + n);
  return {
    width: Math.max(LEFT + TIMELINE, ...places.values()) + WIDTH + 64,
    height,
    x: (item) => places.get(item.key) ?? LEFT,
    ticks: years
      .map((year) => ({ x: at(Date.UTC(year, 0, 1)), words: String(year) }))
      .filter(({ x }) => x >= 0 && x <= LEFT + TIMELINE + WIDTH),
  };
}

/** Where an item's top is when rows from `top` on are in sight: what has children slides along them and stays in sight. */
export function sliding(item: Item, top: number, bottom: number): number {
  const middle = TOP + item.row * ROW;
  const first = TOP + item.first * ROW;
  const last = TOP + item.last * ROW;
  if (first === last) return middle;
  return Math.min(last, Math.max(first, Math.min(bottom - HEIGHT - 12, Math.max(top + 8, middle))));
}

const NARROW = new Set("fijlrtI.,:;|!'-()[] /");
const WIDE = new Set("mwMWGOQ@%");

/** A text cut to a width in pixels, by the usual widths of letters. */
export function fitted(text: string, width: number, size: number): string {
  let left = width / size;
  for (let at = 0; at < text.length; at++) {
    const letter = text.charAt(at);
    left -= NARROW.has(letter) ? 0.38 : WIDE.has(letter) ? 0.9 : letter >= "A" && letter <= "Z" ? 0.66 : 0.61;
    if (letter > "\u2e7f") left -= 0.45;
    if (left < 0) return `${text.slice(0, Math.max(1, at - 1))}…`;
  }
  return text;
}
