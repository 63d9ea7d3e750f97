import { describe, expect, it } from "vitest";
import { between, runs, toMap, toScreen, WHOLE, zoomed } from "./camera";

const SCREEN = { width: 1200, height: 800 };

describe("camera", () => {
  it("goes to the screen and back", () => {
    const camera = { x: 0.3, y: 0.6, zoom: 17 };
    const [px, py] = toScreen(camera, SCREEN, 0.31, 0.59);
    const [x, y] = toMap(camera, SCREEN, px, py);
    expect(x).toBeCloseTo(0.31, 9);
    expect(y).toBeCloseTo(0.59, 9);
  });

  it("keeps what is under the pointer there", () => {
    const before = toMap(WHOLE, SCREEN, 700, 300);
    expect(toMap(zoomed(WHOLE, SCREEN, 5, 700, 300), SCREEN, 700, 300)[0]).toBeCloseTo(before[0], 9);
  });

  it("begins and ends a flight where it should", () => {
    const to = { x: 0.9, y: 0.1, zoom: 60 };
    expect(between(WHOLE, to, 0)).toEqual(WHOLE);
    expect(between(WHOLE, to, 1).zoom).toBeCloseTo(60, 6);
    expect(between({ ...to, x: 0.1 }, to, 0.5).zoom).toBeLessThan(60);
  });

  it("draws every point of the whole map, and only cells in sight when near", () => {
    const cells = 4;
    // cells of 1,024 of 65,536 each way; ten points a cell
    const offsets = Uint32Array.from({ length: cells * cells + 1 }, (_, at) => at * 10);
    expect(runs(WHOLE, SCREEN, offsets, cells)).toEqual([[0, 160]]);
    const near = runs({ x: 0.5 / 64, y: 0.5 / 64, zoom: 500 }, SCREEN, offsets, cells);
    expect(near).toEqual([[0, 10]]);
    expect(runs({ x: 3, y: 3, zoom: 10 }, SCREEN, offsets, cells)).toEqual([]);
  });
});
