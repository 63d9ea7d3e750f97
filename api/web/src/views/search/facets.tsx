/** This file knows the facets beside the results: each value with its exact count under everything else that is chosen. */
import { useState } from "preact/hooks";
import { useAnswers } from "../../ask";
import { type Facet, Facets, type FacetsAnswer, type FacetsVariables } from "../../operations";
import { Failure } from "../../parts/failure";
import { go, withQuery } from "../../place";
import { count, evidence, novelty, relation } from "../../words";
import { FACETS, filterOf, type Wanted } from "./wanted";

const MOST = 100;
const SHOWN = 6;

/** One question for the facets of which nothing is chosen, and one for each other: its own choice must not narrow it. */
export function questions(wanted: Wanted): FacetsVariables[] {
  const own = FACETS.filter(({ facet }) => wanted.chosen[facet]);
  const rest = FACETS.filter(({ facet }) => !wanted.chosen[facet]).map(({ facet }) => facet);
  return [
    { filter: filterOf(wanted), by: rest, first: MOST },
    ...own.map(({ facet }) => ({ filter: filterOf(wanted, facet), by: [facet], first: MOST })),
  ];
}

type Value = FacetsAnswer["facets"][number];

export function FacetList({ wanted }: { wanted: Wanted }) {
  const { data, error, loading, again } = useAnswers(Facets, questions(wanted));
  if (error) return <Failure error={error} again={again} />;
  const values = data?.flatMap((each) => each.facets) ?? [];
  return (
    <div class="facets" aria-busy={loading}>
      {FACETS.map(({ facet, words, key, single }) => (
        <Group
          key={facet}
          facet={facet}
          words={words}
          name={key}
          single={single ?? false}
          values={values.filter((value) => value.facet === facet)}
          chosen={wanted.chosen[facet] ?? []}
        />
      ))}
    </div>
  );
}

function named(facet: Facet, value: string): string {
  if (facet === "RELATION") return relation(value.toUpperCase());
  if (facet === "EVIDENCE") return evidence(value.toUpperCase());
  return facet === "NOVELTY" ? novelty(value) : value;
}

interface GroupProps {
  facet: Facet;
  words: string;
  name: string;
  single: boolean;
  values: Value[];
  chosen: string[];
}

function Group({ facet, words, name, single, values, chosen }: GroupProps) {
  const [all, setAll] = useState(false);
  const known = values.flatMap((each) => (each.value === null ? [] : [{ value: each.value, count: each.count }]));
  const unknown = values.find((each) => each.value === null)?.count ?? 0;
  const absent = chosen
    .filter((value) => !known.some((each) => each.value === value))
    .map((value) => ({ value, count: 0 }));
  const shown = [...absent, ...known.filter((each, place) => all || place < SHOWN || chosen.includes(each.value))];
  if (shown.length === 0) return null;
  const choose = (value: string, on: boolean) => {
    const now = single ? [] : chosen.filter((each) => each !== value);
    go(withQuery({ [name]: on ? [...now, value] : now, after: null }));
  };
  return (
    <fieldset>
      <legend>{words}</legend>
      {shown.map(({ value, count: n }) => (
        <label key={value} class="facet">
          <input
            type="checkbox"
            checked={chosen.includes(value)}
            onChange={(event) => choose(value, event.currentTarget.checked)}
          />
          <span class="value">{named(facet, value)}</span>
          <span class="count">{count(n)}</span>
        </label>
      ))}
      {known.length > SHOWN && (
        <button type="button" class="plain" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? "Fewer" : `${count(known.length - SHOWN)} more${known.length >= MOST - 1 ? " and rarer ones" : ""}`}
        </button>
      )}
      {unknown > 0 && (
        <p class="facet unknown">
          <span />
          <span class="value">unknown</span>
          <span class="count">{count(unknown)}</span>
        </p>
      )}
    </fieldset>
  );
}
