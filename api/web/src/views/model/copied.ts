/** This file knows the short answer to "is this a copy?", and what the answer rests on. */
import type { ModelPageAnswer } from "../../operations";
import { noveltyAtLength } from "../../words";

export type Told = NonNullable<NonNullable<ModelPageAnswer["model"]>["novelty"]>;

const SAME: readonly string[] = ["COPY", "REPACKAGED", "RECAST", "QUANTIZED"];

/** Whether its weights are those of another model, in whatever form. */
export const isSame = (told: Pick<Told, "class">): boolean => SAME.includes(told.class);

export function copied(told: Pick<Told, "class" | "score">): string {
  const { class: kind, score } = told;
  const words = noveltyAtLength(kind);
  if (kind === "COPY" || kind === "REPACKAGED") return `Yes, ${words}.`;
  if (isSame(told)) return `Yes: ${words}.`;
  if (kind === "UNKNOWN") return `It is ${words}.`;
  const much =
    score === null ? "" : `; ${score > 0 && score < 10 ? score.toFixed(1) : Math.round(score)} of 100 is new`;
  return `No, ${words}${much}.`;
}

export function restsOn(told: Pick<Told, "class" | "tier">): string | null {
  if (told.class === "NEW") return null;
  return told.tier === "T0" ? "As documented; its weights were not read." : "By its weights.";
}
