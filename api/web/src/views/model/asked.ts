/** This file knows how it is put in words what the licences along a lineage ask. */
import type { Asked } from "../../operations";

const NOTICE = "notice";

/** The short answer to "may I use it at work?", as far as the declared licences tell. */
export function answer(report: Asked): string {
  const commercial = report.duties.find(({ kind }) => kind === "non-commercial");
  if (commercial) return `Not for commercial use: ${commercial.licence} of ${commercial.path.at(-1)} forbids it.`;
  const more = kinds(report).length;
  const silent = report.unknown.length > 0 || !report.complete;
  const sure = silent ? "the licences that are known" : "the licences of its lineage";
  if (report.duties.length === 0) return silent ? "Its licences are not known." : "Its licences ask nothing.";
  return more === 0
    ? `As far as ${sure} tell: yes, with their notices kept.`
    : `As far as ${sure} tell: yes, on conditions.`;
}

export interface Condition {
  meaning: string;
  /** Whose licences ask it, nearest first. */
  by: { licence: string; model: string }[];
}

/** What is asked beyond keeping notices, each with all who ask it. */
export function kinds(report: Asked): Condition[] {
  const found = new Map<string, Condition>();
  for (const { kind, meaning, licence, path } of report.duties) {
    if (kind === NOTICE) continue;
    const condition = found.get(kind) ?? { meaning, by: [] };
    condition.by.push({ licence, model: path.at(-1) ?? "" });
    found.set(kind, condition);
  }
  return [...found.values()];
}
