/** This file knows the columns of the results, and which of them the reader sees. */
import type { ComponentChildren } from "preact";
import { modelAddress } from "../../addresses";
import { cell } from "../../cell";
import type { Row } from "../../operations";
import { NoveltyRing } from "../../parts/novelty-ring";
import { RelationWord } from "../../parts/relation-word";
import { count, day, novelty, percent, short } from "../../words";

export interface Column {
  key: string;
  words: string;
  number?: boolean;
  show(model: Row): ComponentChildren;
}

const known = <Value,>(value: Value | null, words: (value: Value) => ComponentChildren): ComponentChildren =>
  value === null ? null : words(value);

export const COLUMNS: readonly Column[] = [
  { key: "made", words: "Made from", show: (model) => <MadeFrom model={model} /> },
  { key: "novelty", words: "Novelty", show: (model) => known(model.novelty, Novelty) },
  { key: "ability", words: "Ability", number: true, show: (model) => known(model.ability, ability) },
  { key: "standing", words: "Standing", number: true, show: (model) => known(model.standing, standing) },
  { key: "task", words: "Task", show: (model) => model.task },
  { key: "library", words: "Library", show: (model) => model.library },
  { key: "licence", words: "Licence", show: (model) => model.licence },
  { key: "parameters", words: "Parameters", number: true, show: (model) => known(model.parameters, short) },
  { key: "created", words: "Created", show: (model) => known(model.createdAt, day) },
  { key: "modified", words: "Changed", show: (model) => known(model.modifiedAt, day) },
  {
    key: "derived",
    words: "Descendants",
    number: true,
    show: (model) => (model.totalDescendants > 0 ? count(model.totalDescendants) : null),
  },
  { key: "likes", words: "Likes", number: true, show: (model) => known(model.likes, count) },
  { key: "trending", words: "Trending", number: true, show: (model) => known(model.trending, count) },
  { key: "downloads", words: "Downloads", number: true, show: (model) => known(model.downloads, short) },
];

const USUAL = ["made", "novelty", "licence", "parameters", "derived", "downloads"];
const KEY = "stemma-columns";

function kept(): readonly string[] {
  try {
    const found = localStorage.getItem(KEY)?.split(",") ?? USUAL;
    return found.filter((key) => COLUMNS.some((column) => column.key === key));
  } catch {
    return USUAL;
  }
}

const preferred = cell(kept());

/** The columns that the address names, or else those chosen last. */
export function useColumns(query: URLSearchParams): readonly Column[] {
  const mine = preferred.use();
  const named = query.get("columns")?.split(",");
  return COLUMNS.filter((column) => (named ?? mine).includes(column.key));
}

export function prefer(keys: readonly string[]): void {
  preferred.set(keys);
  try {
    localStorage.setItem(KEY, keys.join(","));
  } catch {
    // the choice lasts as long as the page
  }
}

function MadeFrom({ model }: { model: Row }) {
  const [first, ...others] = model.baseModels;
  if (!first) return null;
  return (
    <>
      <RelationWord name={first.relation} /> <a href={modelAddress(first.baseModel.id)}>{first.baseModel.id}</a>
      {others.length > 0 && <span class="quiet"> +{others.length}</span>}
      {model.baseModels.some((each) => each.conflict) && <span class="conflict"> conflict</span>}
    </>
  );
}

function Novelty({ score, class: kind }: NonNullable<Row["novelty"]>) {
  if (kind === "NEW" || kind === "UNKNOWN") return null;
  return (
    <span title={novelty(kind)}>
      {score !== null && <NoveltyRing score={score} />} {score === null ? novelty(kind) : Math.round(score)}
    </span>
  );
}

function ability({ index, error, inheritedFrom }: NonNullable<Row["ability"]>) {
  if (index === null) return null;
  return (
    <span title={inheritedFrom ? `that of ${inheritedFrom}` : undefined} class={inheritedFrom ? "quiet" : undefined}>
      {Math.round(index)}
      {error !== null && <span class="quiet"> ± {error.toFixed(1)}</span>}
    </span>
  );
}

function standing({ probability, models, leader }: NonNullable<Row["standing"]>) {
  if (probability === null) return null;
  return <span title={`of ${models} in its niche; most likely the best is ${leader}`}>{percent(probability)}</span>;
}
