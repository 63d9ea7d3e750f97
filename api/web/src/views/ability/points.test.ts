import { expect, test } from "vitest";
import type { Able } from "../../operations";
import { dateTicks, frontier, pointsOf, sizeTicks, spanOf, ticksOf } from "./points";

const model = (id: string, parameters: number | null, low: number, more: Partial<Able> = {}): Able => ({
  id,
  parameters,
  createdAt: "2024-03-01T00:00:00+00:00",
  ability: { index: low + 5, low, benchmarks: 4, inheritedFrom: null, text: "" },
  ...more,
});

test("only what was measured itself and has a place is drawn, once", () => {
  const inherited = model("a/inherited", 1e9, 90);
  if (inherited.ability) inherited.ability = { ...inherited.ability, low: null, inheritedFrom: "a/b" };
  const models = [
    model("a/small", 1e9, 90),
    model("a/small", 1e9, 90),
    model("a/large", 1e10, 120),
    model("a/unsized", null, 130),
    model("a/unknown", 1e9, 0, { ability: null }),
    inherited,
  ];
  expect(pointsOf(models, "parameters").map(({ id, x }) => [id, x])).toEqual([
    ["a/large", 10],
    ["a/small", 9],
  ]);
  expect(pointsOf(models, "date").map(({ id }) => id)).toEqual(["a/unsized", "a/large", "a/small"]);
  expect(pointsOf([model("a/b", 1e9, 90, { createdAt: null })], "date")).toEqual([]);
});

test("the frontier has those that nothing smaller is as good as", () => {
  const points = pointsOf(
    [
      model("a/1b", 1e9, 90),
      model("b/1b", 1e9, 95),
      model("a/3b", 3e9, 94),
      model("a/7b", 7e9, 110),
      model("a/70b", 7e10, 110),
    ],
    "parameters",
  );
  expect(frontier(points).map(({ id }) => id)).toEqual(["b/1b", "a/7b"]);
  expect(frontier([])).toEqual([]);
});

test("axes are cut at round numbers", () => {
  expect(ticksOf({ from: 71, to: 132 }, 8).map(({ at }) => at)).toEqual([80, 90, 100, 110, 120, 130]);
  expect(ticksOf({ from: 99.2, to: 100.6 }, 4).map(({ words }) => words)).toEqual(["99.5", "100", "100.5"]);
  expect(sizeTicks({ from: 8.4, to: 10.6 }, 9).map(({ words }) => words)).toEqual(["300M", "1B", "3B", "10B", "30B"]);
  expect(sizeTicks({ from: 6, to: 12 }, 7).map(({ words }) => words)).toEqual([
    "1M",
    "10M",
    "100M",
    "1B",
    "10B",
    "100B",
    "1T",
  ]);
  const years = { from: Date.parse("2022-11-02"), to: Date.parse("2024-02-01") };
  expect(dateTicks(years, 6).map(({ words }) => words)).toEqual(["2023", "2023-07", "2024"]);
  expect(dateTicks(years, 2).map(({ words }) => words)).toEqual(["2023", "2024"]);
  expect(spanOf([5], 1)).toEqual({ from: 4, to: 6 });
});
