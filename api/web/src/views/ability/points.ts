/** This file knows the points of the plot: which models have a place on it, which of them are the frontier, and how its axes are cut. */
import type { Able } from "../../operations";

export type Against = "parameters" | "date";

export interface Point {
  id: string;
  /** The decimal logarithm of the parameters, or milliseconds since 1970. */
  x: number;
  index: number;
  /** The lower end of the 95 % interval. */
  low: number;
  benchmarks: number;
  text: string;
}

/** The models that were measured themselves and have a place on the axis, each once, the most able first. */
export function pointsOf(models: readonly Able[], against: Against): Point[] {
  const found = new Map<string, Point>();
  for (const { id, parameters, createdAt, ability } of models) {
    if (!ability || ability.index === null || ability.low === null || ability.inheritedFrom !== null) continue;
    const x = against === "date" ? Date.parse(createdAt ?? "") : parameters ? Math.log10(parameters) : Number.NaN;
    if (!Number.isFinite(x)) continue;
    const { index, low, benchmarks, text } = ability;
    found.set(id, { id, x, index, low, benchmarks, text });
  }
  return [...found.values()].sort((one, other) => other.low - one.low || (one.id < other.id ? -1 : 1));
}

/** Those that no smaller, or older, model is as good as, by the lower ends: what ranks first at each place. By x. */
export function frontier(points: readonly Point[]): Point[] {
  const best: Point[] = [];
  for (const point of [...points].sort((one, other) => one.x - other.x || other.low - one.low)) {
    if (point.low > (best.at(-1)?.low ?? Number.NEGATIVE_INFINITY)) best.push(point);
  }
  return best;
}

export interface Span {
  from: number;
  to: number;
}

/** From the least to the greatest with some room at both ends. */
export function spanOf(values: readonly number[], least: number): Span {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = Math.max((high - low) * 0.06, least);
  return { from: low - room, to: high + room };
}

export interface Tick {
  at: number;
  words: string;
}

/** Round numbers in the span, no more than `most`. */
export function ticksOf({ from, to }: Span, most: number): Tick[] {
  for (let power = -2; power < 16; power++)
    for (const lead of [1, 2, 5]) {
      const step = lead * 10 ** power;
      const first = Math.ceil(from / step);
      const count = Math.floor(to / step) - first + 1;
      if (count <= most)
        return Array.from({ length: Math.max(count, 0) }, (_, n) => {
          const at = Number(((first + n) * step).toPrecision(12));
          return { at, words: String(at) };
        });
    }
  return [];
}

const NAMES = ["", "k", "M", "B", "T", "Q"];

/** Powers of ten of parameters, and three between two where there is room; `span` is of logarithms. */
export function sizeTicks({ from, to }: Span, most: number): Tick[] {
  const all = (leads: readonly number[]): Tick[] =>
    Array.from({ length: 17 }, (_, power) => power)
      .flatMap((power) => leads.map((lead) => ({ power, lead })))
      .map(({ power, lead }) => ({
        at: power + Math.log10(lead),
        words: `${lead * 10 ** (power % 3)}${NAMES[Math.floor(power / 3)] ?? ""}`,
      }))
      .filter(({ at }) => from <= at && at <= to);
  const fine = all([1, 3]);
  return fine.length <= most ? fine : all([1]);
}

/** First days of years, or of half years where these are few. */
export function dateTicks({ from, to }: Span, most: number): Tick[] {
  const years = Array.from(
    { length: new Date(to).getUTCFullYear() - new Date(from).getUTCFullYear() + 1 },
    (_, n) => new Date(from).getUTCFullYear() + n,
  );
  const days = (months: readonly string[]): Tick[] =>
    years
      .flatMap((year) => months.map((month) => (month === "01" ? `${year}` : `${year}-${month}`)))
      .map((words) => ({ at: Date.parse(words), words }))
      .filter(({ at }) => from <= at && at <= to);
  const halves = days(["01", "07"]);
  return halves.length <= most ? halves : days(["01"]);
}
