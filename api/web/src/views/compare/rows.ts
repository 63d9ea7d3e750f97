/** This file knows what is compared: a fact a row, and whether the models differ in it. */
import type { Compared } from "../../operations";
import { count, day, novelty, relation, short } from "../../words";

export interface Fact {
  words: string;
  /** One text a model; null where it is not known. */
  values: (string | null)[];
  differ: boolean;
}

const listed = (words: readonly string[]): string | null => (words.length > 0 ? [...words].sort().join(", ") : null);
const known = <Value>(value: Value | null, words: (value: Value) => string): string | null =>
  value === null ? null : words(value);

const FACTS: readonly [string, (model: Compared) => string | null][] = [
  ["State", (model) => model.state.toLowerCase()],
  [
    "Made from",
    (model) =>
      listed(model.baseModels.map((each) => `${relation(each.relation)}: ${each.baseModel.id}`)) ??
      "no base model known",
  ],
  ["Roots", (model) => listed(model.roots.map(({ id }) => id))],
  ["Generation", (model) => known(model.generation, count)],
  [
    "Novelty",
    (model) =>
      known(model.novelty, ({ score, class: kind }) =>
        score === null ? novelty(kind) : `${Math.round(score)} of 100, ${novelty(kind)}`,
      ),
  ],
  [
    "Ability",
    (model) =>
      known(model.ability?.index ?? null, (index) =>
        model.ability?.error ? `${index.toFixed(1)} ± ${model.ability.error.toFixed(1)}` : index.toFixed(1),
      ),
  ],
  ["Licence", (model) => model.licence],
  ["Access", (model) => (model.gated ? "files need consent" : null)],
  ["Task", (model) => model.task],
  ["Library", (model) => model.library],
  ["Parameters", (model) => known(model.parameters, short)],
  ["Number format", (model) => model.dtype],
  ["Architecture", (model) => model.architecture],
  ["Context", (model) => known(model.contextLength, (n) => `${count(n)} tokens`)],
  ["Created", (model) => known(model.createdAt, day)],
  ["Changed", (model) => known(model.modifiedAt, day)],
  ["Monthly downloads", (model) => known(model.downloads, count)],
  ["Downloads in all", (model) => known(model.downloadsAllTime, count)],
  ["Likes", (model) => known(model.likes, count)],
  ["Descendants", (model) => count(model.totalDescendants)],
  [
    "Made from it directly",
    (model) =>
      listed(model.derivedCounts.map((each) => `${count(each.count)} ${relation(each.relation, each.count)}`)) ??
      "nothing known",
  ],
  ["Datasets", (model) => listed(model.datasets.flatMap(({ dataset }) => dataset?.id ?? [])) ?? "none declared"],
  ["Languages", (model) => listed(model.languages)],
  ["Tags", (model) => listed(model.tags)],
];

/** The facts that are known of at least one of the models. */
export function factsOf(models: readonly Compared[]): Fact[] {
  return FACTS.map(([words, read]) => {
    const values = models.map(read);
    return { words, values, differ: new Set(values).size > 1 };
  }).filter(({ values }) => values.some((value) => value !== null));
}
