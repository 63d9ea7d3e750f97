/** This file knows what a search asks for: how the address says it, and how the schema's filter says it. */
import type { Collapse, Facet, ModelFilter, ModelOrder } from "../../operations";

export const PAGE_ROWS = 50;
const TRAIL = 30; // pages that "Previous" finds back

export interface Wanted {
  text: string;
  /** The values chosen of each facet. */
  chosen: Partial<Record<Facet, string[]>>;
  order: ModelOrder;
  /** What folds into one row. */
  collapse: Collapse | null;
  /** Cursors of the pages gone through; the last is where this page begins. */
  trail: string[];
}

interface FacetKind {
  facet: Facet;
  words: string;
  /** Its key in the address. */
  key: string;
  /** One value at a time: the filter holds one range. */
  single?: boolean;
  filter(values: string[]): ModelFilter;
}

const upper = <Value extends string>(values: string[]): Value[] =>
  values.map((value) => value.toUpperCase().replaceAll("-", "_") as Value);

export const FACETS: readonly FacetKind[] = [
  { facet: "TASK", words: "Task", key: "task", filter: (task) => ({ task }) },
  { facet: "RELATION", words: "Relation", key: "relation", filter: (values) => ({ relation: upper(values) }) },
  { facet: "EVIDENCE", words: "Base named by", key: "evidence", filter: (values) => ({ evidence: upper(values) }) },
  { facet: "NOVELTY", words: "Novelty", key: "novelty", filter: (values) => ({ noveltyClass: upper(values) }) },
  { facet: "DOMAIN", words: "Measured in", key: "domain", filter: (domain) => ({ domain }) },
  { facet: "LICENCE", words: "Licence", key: "licence", filter: (licence) => ({ licence }) },
  { facet: "SIZE", words: "Parameters", key: "size", single: true, filter: ([size]) => sizeRange(size ?? "") },
  { facet: "LIBRARY", words: "Library", key: "library", filter: (library) => ({ library }) },
  { facet: "YEAR", words: "Year", key: "year", single: true, filter: ([year]) => yearRange(year ?? "") },
  { facet: "AUTHOR", words: "Author", key: "author", filter: (author) => ({ author }) },
  { facet: "STATE", words: "State", key: "state", filter: (values) => ({ state: upper(values) }) },
];

export const ORDERS: readonly { order: ModelOrder; words: string }[] = [
  { order: "DOWNLOADS", words: "Most downloaded" },
  { order: "LIKES", words: "Most liked" },
  { order: "TRENDING", words: "Trending" },
  { order: "CREATED", words: "Newest" },
  { order: "MODIFIED", words: "Last changed" },
  { order: "PARAMETERS", words: "Largest" },
  { order: "NOVELTY", words: "Most novel" },
  { order: "ABILITY", words: "Most able" },
  { order: "STANDING", words: "Best of its kind" },
];

export const FOLDS: readonly { collapse: Collapse | null; words: string }[] = [
  { collapse: null, words: "Every model" },
  { collapse: "COPIES", words: "Fold copies" },
  { collapse: "QUANTS", words: "Fold copies and quantised" },
  { collapse: "FAMILY", words: "One row a family" },
];

const UNITS: Record<string, number> = { K: 1e3, M: 1e6, B: 1e9 };

function parameters(text: string): number | null {
  const found = /^(\d+)([KMB])$/.exec(text);
  return found ? Number(found[1]) * (UNITS[found[2] ?? ""] ?? 1) : null;
}

/** The range of a size class as the catalogue names it: "<100M", "1B-3B" (the end is not in it), ">=100B". */
export function sizeRange(name: string): ModelFilter {
  const [from, until] = name.startsWith("<")
    ? ["", name.slice(1)]
    : name.startsWith(">=")
      ? [name.slice(2), ""]
      : name.split("-");
  const least = parameters(from ?? "");
  const end = parameters(until ?? "");
  return {
    ...(least === null ? {} : { parametersMin: least }),
    ...(end === null ? {} : { parametersMax: end - 1 }),
  };
}

export function yearRange(year: string): ModelFilter {
  if (!/^\d{4}$/.test(year)) return {};
  return { createdFrom: `${year}-01-01T00:00:00Z`, createdUntil: `${Number(year) + 1}-01-01T00:00:00Z` };
}

export function wantedIn(query: URLSearchParams): Wanted {
  const order = ORDERS.find((each) => each.order === query.get("order")?.toUpperCase())?.order ?? "DOWNLOADS";
  const chosen: Wanted["chosen"] = {};
  for (const { facet, key, single } of FACETS) {
    const values = query.getAll(key);
    if (values.length > 0) chosen[facet] = single ? values.slice(0, 1) : values;
  }
  const fold = query.get("fold")?.toUpperCase();
  const collapse = FOLDS.find((each) => each.collapse === fold)?.collapse ?? null;
  return { text: query.get("q")?.trim() ?? "", chosen, order, collapse, trail: query.getAll("after") };
}

/** The filter, without what is chosen of one facet: for the counts of that facet itself. */
export function filterOf(wanted: Wanted, without?: Facet): ModelFilter {
  const parts = FACETS.map(({ facet, filter }) => {
    const values = wanted.chosen[facet];
    return values && facet !== without ? filter(values) : {};
  });
  return Object.assign(wanted.text ? { text: wanted.text } : {}, ...parts);
}

/** The trail of the next page. */
export const further = (trail: readonly string[], cursor: string): string[] => [...trail, cursor].slice(-TRAIL);

export const isAnything = (wanted: Wanted): boolean => wanted.text !== "" || Object.keys(wanted.chosen).length > 0;
