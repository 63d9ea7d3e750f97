/** This file knows which labels the map has room for: continents from afar, families from near, none over another. */
import { type Camera, type Screen, scale, toScreen } from "./camera";
import type { Head } from "./files";

export interface Label {
  kind: "continent" | "family";
  words: string;
  x: number;
  y: number;
  id?: string;
}

const MOST = 70;
const LETTER = 7.2; // px
const LINE = 17;
const READABLE = 26; // px of a family's radius from which on its name is shown

export function labelsFor(head: Head, camera: Camera, screen: Screen): Label[] {
  const side = scale(camera, screen);
  const taken: { left: number; right: number; top: number; bottom: number }[] = [];
  const labels: Label[] = [];
  const offer = (label: Label): void => {
    if (labels.length >= MOST) return;
    const half = (label.words.length * LETTER) / 2 + 4;
    const box = { left: label.x - half, right: label.x + half, top: label.y - LINE / 2, bottom: label.y + LINE / 2 };
    if (box.right < 0 || box.left > screen.width || box.bottom < 0 || box.top > screen.height) return;
    if (taken.some((t) => t.left < box.right && box.left < t.right && t.top < box.bottom && box.top < t.bottom)) return;
    taken.push(box);
    labels.push(label);
  };
  for (const land of head.continents) {
    const radius = land.radius * side;
    if (radius < 20 || radius > Math.max(screen.width, screen.height) * 1.2) continue;
    const [x, y] = toScreen(camera, screen, land.x, land.y - land.radius);
    offer({ kind: "continent", words: land.name, x, y: y - 6 });
  }
  for (const family of head.families) {
    if (family.radius * side < READABLE) continue;
    const [x, y] = toScreen(camera, screen, family.x, family.y);
    const name = family.id.slice(family.id.indexOf("/") + 1);
    offer({ kind: "family", words: name, x, y, id: family.id });
  }
  return labels;
}
