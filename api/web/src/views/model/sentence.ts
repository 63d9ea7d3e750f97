/** This file knows how a model is told in one line. */
import type { ModelPageAnswer } from "../../operations";
import { relation, short } from "../../words";

type Told = Pick<NonNullable<ModelPageAnswer["model"]>, "state" | "baseModels" | "task" | "parameters" | "licence">;

const ARTICLE = (word: string): string => `${/^[aeiou]/.test(word) ? "An" : "A"} ${word}`;
const MADE: Record<string, string> = {
  FINETUNE: "A fine-tune of",
  ADAPTER: "An adapter for",
  MERGE: "A merge of",
  QUANTIZED: "A quantised version of",
  IDENTICAL: "A copy of",
  RECAST: "Another number format of",
  PRUNED: "A pruned version of",
  EXPANDED: "An expanded version of",
  PERMUTED: "A reordered copy of",
  UNKNOWN: "Made from",
};

export function sentence(model: Told): string {
  if (model.state === "MISSING") return "Others name it as their base model, but the catalogue has not seen it.";
  const kinds = [...new Set(model.baseModels.map((each) => each.relation))];
  const parts = kinds.map((kind) => {
    const bases = model.baseModels.filter((each) => each.relation === kind).map(({ baseModel }) => baseModel.id);
    return `${MADE[kind] ?? ARTICLE(relation(kind))} ${listed(bases)}`;
  });
  const made = parts.length > 0 ? lowerAfterFirst(parts).join(", ") : "No base model is known";
  const facts = [
    model.task,
    model.parameters === null ? null : `${short(model.parameters)} parameters`,
    model.licence ?? "no licence declared",
  ];
  const gone =
    model.state === "GONE" ? " It is gone from the Hub." : model.state === "GATED" ? " Its files need consent." : "";
  return `${made}; ${facts.filter((fact) => fact !== null).join(", ")}.${gone}`;
}

const listed = (ids: readonly string[]): string =>
  ids.length > 3 ? `${ids.slice(0, 2).join(", ")} and ${ids.length - 2} more` : ids.join(" and ");

const lowerAfterFirst = (parts: readonly string[]): string[] =>
  parts.map((part, place) => (place === 0 ? part : part.charAt(0).toLowerCase() + part.slice(1)));
