/** This file knows what of the map is in sight: the map is a square from 0 to 1, the screen is in pixels. */
export interface Camera {
  x: number;
  y: number;
  /** How many times the whole map's size. */
  zoom: number;
}

export interface Screen {
  width: number;
  height: number;
}

export const WHOLE: Camera = { x: 0.5, y: 0.5, zoom: 1 };
export const CLOSEST = 800;

/** Pixels for the side of the map. */
export const scale = (camera: Camera, screen: Screen): number => Math.min(screen.width, screen.height) * camera.zoom;

export function toScreen(camera: Camera, screen: Screen, x: number, y: number): [number, number] {
  const side = scale(camera, screen);
  return [(x - camera.x) * side + screen.width / 2, (y - camera.y) * side + screen.height / 2];
}

export function toMap(camera: Camera, screen: Screen, x: number, y: number): [number, number] {
  const side = scale(camera, screen);
  return [camera.x + (x - screen.width / 2) / side, camera.y + (y - screen.height / 2) / side];
}

const within = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));

export const moved = (camera: Camera, screen: Screen, dx: number, dy: number): Camera => ({
  ...camera,
  x: within(camera.x - dx / scale(camera, screen), -0.1, 1.1),
  y: within(camera.y - dy / scale(camera, screen), -0.1, 1.1),
});

/** Nearer or farther by a factor; what is under the pointer stays there. */
export function zoomed(camera: Camera, screen: Screen, factor: number, px: number, py: number): Camera {
  const [x, y] = toMap(camera, screen, px, py);
  const zoom = within(camera.zoom * factor, 0.8, CLOSEST);
  const [nowX, nowY] = toMap({ ...camera, zoom }, screen, px, py);
  return { zoom, x: within(camera.x + x - nowX, -0.1, 1.1), y: within(camera.y + y - nowY, -0.1, 1.1) };
}

/** Between two views, from 0 to 1: out where they lie far apart, and in again. */
export function between(from: Camera, to: Camera, part: number): Camera {
  const eased = part * part * (3 - 2 * part);
  const apart = Math.hypot(to.x - from.x, to.y - from.y);
  const high = Math.min(from.zoom, to.zoom, 1 / Math.max(apart, 1e-6));
  const straight = Math.log(from.zoom) * (1 - eased) + Math.log(to.zoom) * eased;
  const dip = Math.max(0, Math.min(Math.log(from.zoom), Math.log(to.zoom)) - Math.log(high));
  const zoom = Math.exp(straight - dip * 4 * eased * (1 - eased));
  return { x: from.x + (to.x - from.x) * eased, y: from.y + (to.y - from.y) * eased, zoom };
}

/** Runs of point numbers [from, to) of one tier whose cells are in sight. `offsets`: where the tier's cells begin. */
export function runs(camera: Camera, screen: Screen, offsets: Uint32Array, cells: number): [number, number][] {
  const [left, top] = toMap(camera, screen, 0, 0);
  const [right, bottom] = toMap(camera, screen, screen.width, screen.height);
  const cell = (value: number): number => within(Math.floor(value * 65535) >> 10, 0, cells - 1);
  if (right < 0 || bottom < 0 || left > 1 || top > 1) return [];
  const found: [number, number][] = [];
  for (let row = cell(top); row <= cell(bottom); row++) {
    const from = offsets[row * cells + cell(left)] ?? 0;
    const to = offsets[row * cells + cell(right) + 1] ?? from;
    const last = found[found.length - 1];
    if (to <= from) continue;
    if (last && last[1] === from) last[1] = to;
    else found.push([from, to]);
  }
  return found;
}
