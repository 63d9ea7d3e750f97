/** This file knows the legend: what the colours mean, how many models have each, and which are to stay lit. */
import { novelty, relation, short } from "../../words";
import { type Colouring, colourOf, NONE, OTHERS } from "./colours";
import type { Head, Legend } from "./files";

interface Props {
  head: Head;
  colouring: Colouring;
  entries: readonly Legend[];
  only: ReadonlySet<number>;
  choose(only: ReadonlySet<number>): void;
  month(code: number): string;
}

export function LegendOf({ head, colouring, entries, only, choose, month }: Props) {
  if (colouring === "month") {
    const known = entries.filter((each) => each.code < NONE);
    const [first, last] = [known[0], known[known.length - 1]];
    if (!first || !last) return null;
    const steps = known.filter((_, at) => at % Math.max(1, Math.floor(known.length / 24)) === 0);
    return (
      <div class="ages">
        <svg width="100%" height="12" viewBox={`0 0 ${steps.length} 1`} preserveAspectRatio="none" aria-hidden="true">
          {steps.map((each, at) => (
            <rect
              key={each.code}
              x={at}
              width={1.05}
              height={1}
              fill={`rgb(${colourOf(head, colouring, each).join(" ")})`}
            />
          ))}
        </svg>
        <span>{month(first.code)}</span> <span>{month(last.code)}</span>
      </div>
    );
  }
  const toggled = (code: number) => {
    const next = new Set(only);
    if (!next.delete(code)) next.add(code);
    choose(next);
  };
  const known = (word: string): string =>
    colouring === "relation" ? relation(word.toUpperCase()) : colouring === "novelty" ? novelty(word) : word;
  const word = (each: Legend): string =>
    each.word ? known(each.word) : each.code === NONE ? "not known" : each.code === OTHERS ? "all others" : "";
  return (
    <ul class="legend-of" aria-label="Colours; choose what stays lit">
      {entries.map((each) => {
        const shown = colouring === "family" ? { ...each, code: each.code * head.shades + 3 } : each;
        return (
          <li key={each.code}>
            <button type="button" aria-pressed={only.has(each.code)} onClick={() => toggled(each.code)}>
              <svg width="10" height="10" aria-hidden="true">
                <circle cx="5" cy="5" r="5" fill={`rgb(${colourOf(head, colouring, shown).join(" ")})`} />
              </svg>
              <span class="word">{word(each)}</span> <span class="many">{short(each.count)}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}
