/** This file knows, in a few words each, what the licences that are met most often allow. It reads what is declared, and judges nothing. */

export type LicenceKind = "permissive" | "copyleft" | "noncommercial" | "own";

const PERMISSIVE =
  /^(apache-2\.0|mit|bsd(-.*)?|isc|zlib|bsl-1\.0|cc0-1\.0|unlicense|wtfpl|cc-by-[234]\.\d|cdla-permissive-.*|afl-3\.0|ms-pl|pddl)$/;
const COPYLEFT = /^(a?gpl|lgpl|mpl|epl|eupl|osl|cc-by-sa|odbl|cecill)/;
const NONCOMMERCIAL = /(^|-)nc(-|$)|non-?commercial/;

export function licenceKind(name: string): LicenceKind {
  if (NONCOMMERCIAL.test(name)) return "noncommercial";
  if (PERMISSIVE.test(name)) return "permissive";
  if (COPYLEFT.test(name)) return "copyleft";
  return "own";
}

export const KIND_WORDS: Record<LicenceKind, string> = {
  permissive: "allows commercial use",
  copyleft: "allows commercial use; what is passed on keeps the licence",
  noncommercial: "does not allow commercial use",
  own: "has terms of its own: read them",
};

export interface Declared {
  id: string;
  licence: string | null;
}

/** What can be said of a model's licence and its ancestors', in sentences; the gravest first. */
export function licenceSentences(model: Declared, ancestors: readonly Declared[]): string[] {
  const said: string[] = [];
  const all = [model, ...ancestors];
  const named = (some: readonly Declared[]): string =>
    some.length > 2 ? `${some[0]?.id} and ${some.length - 1} more` : some.map((each) => each.id).join(" and ");
  for (const kind of ["noncommercial", "own"] as const) {
    const such = all.filter((each) => each.licence !== null && licenceKind(each.licence) === kind);
    for (const licence of [...new Set(such.map((each) => each.licence))]) {
      said.push(`${licence} of ${named(such.filter((each) => each.licence === licence))} ${KIND_WORDS[kind]}.`);
    }
  }
  const silent = ancestors.filter((each) => each.licence === null);
  if (model.licence === null) said.push("This model declares no licence.");
  if (silent.length > 0) said.push(`No licence is known of ${named(silent)}.`);
  const other = ancestors.filter((each) => each.licence !== null && each.licence !== model.licence);
  if (model.licence !== null && other.length > 0)
    said.push(`This model declares ${model.licence}, which differs from ${named(other)}.`);
  if (said.length === 0 && model.licence !== null) {
    const kind = KIND_WORDS[licenceKind(model.licence)];
    said.push(
      ancestors.length > 0
        ? `${model.licence}, declared all the way up, ${kind}.`
        : `${model.licence} ${kind}. No base model is known.`,
    );
  }
  return said;
}
