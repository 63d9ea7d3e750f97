import { expect, test } from "vitest";
import { FACETS, filterOf, further, sizeRange, wantedIn, yearRange } from "./wanted";

const wanted = (query: string) => wantedIn(new URLSearchParams(query));

test("an empty address asks for everything by downloads", () => {
  expect(wanted("")).toEqual({ text: "", chosen: {}, order: "DOWNLOADS", collapse: null, trail: [] });
  expect(filterOf(wanted(""))).toEqual({});
});

test("an address says the whole search", () => {
  const found = wanted(
    "q=+mistral+&task=fill-mask&relation=merge&relation=adapter&size=1B-3B&year=2024&order=likes&after=one&after=two",
  );
  expect(found.order).toBe("LIKES");
  expect(found.trail).toEqual(["one", "two"]);
  expect(filterOf(found)).toEqual({
    text: "mistral",
    task: ["fill-mask"],
    relation: ["MERGE", "ADAPTER"],
    parametersMin: 1e9,
    parametersMax: 3e9 - 1,
    createdFrom: "2024-01-01T00:00:00Z",
    createdUntil: "2025-01-01T00:00:00Z",
  });
});

test("a facet is counted without its own choice, and with every other", () => {
  const found = wanted("licence=mit&task=fill-mask");
  expect(filterOf(found, "LICENCE")).toEqual({ task: ["fill-mask"] });
  expect(filterOf(found, "TASK")).toEqual({ licence: ["mit"] });
});

test.each([
  ["<100M", { parametersMax: 1e8 - 1 }],
  ["100M-1B", { parametersMin: 1e8, parametersMax: 1e9 - 1 }],
  [">=100B", { parametersMin: 1e11 }],
  ["nonsense", {}],
])("the size class %s is a range", (name, range) => expect(sizeRange(name)).toEqual(range));

test("names with several words reach the schema's spelling", () => {
  expect(filterOf(wanted("novelty=merged-known"))).toEqual({ noveltyClass: ["MERGED_KNOWN"] });
  expect(wanted("fold=quants").collapse).toBe("QUANTS");
});

test("nonsense in the address is left out", () => {
  expect(wanted("fold=paper").collapse).toBeNull();
  expect(yearRange("soon")).toEqual({});
  expect(wanted("order=sideways").order).toBe("DOWNLOADS");
});

test("facets have addresses of their own", () => {
  const keys = FACETS.map(({ key }) => key);
  expect(new Set([...keys, "q", "order", "fold", "after", "columns"]).size).toBe(keys.length + 5);
});

test("the trail of pages does not grow without end", () => {
  let trail: string[] = [];
  for (let page = 0; page < 100; page++) trail = further(trail, `page-${page}`);
  expect(trail.length).toBe(30);
  expect(trail.at(-1)).toBe("page-99");
});
