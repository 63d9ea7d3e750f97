/** This file knows which subset of a view the address asks for, and how its size is told. */
import type { SubsetOfAnswer } from "../../operations";
import { bytes, several } from "../../words";

export const MOST = 2_500; // models that are counted before anything is made

/** What the address says of the subset; null where none is asked for. */
export interface Asked {
  limit: number;
  ancestors: boolean;
  descendants: boolean;
}

export function askedIn(query: URLSearchParams): Asked | null {
  const limit = Number(query.get("limit"));
  if (!Number.isInteger(limit) || limit < 1) return null;
  const said = (key: string) => ["1", "true"].includes(query.get(key) ?? "");
  return { limit: Math.min(limit, MOST), ancestors: said("ancestors"), descendants: said("descendants") };
}

/** What stands after the `?` for a table or the command line: the view without what chooses no models. */
export function asParameters(query: URLSearchParams): string {
  const kept = new URLSearchParams(query);
  for (const key of ["after", "columns"]) kept.delete(key);
  return kept.toString();
}

type Sizes = Pick<SubsetOfAnswer["subset"], "models" | "files" | "bytes" | "withoutFiles" | "filesWithoutSize">;

/** Known files and their bytes, and how much of it is not known. */
export function sizeOf(found: Sizes): string {
  if (found.withoutFiles === found.models) return "not known: the catalogue holds no list of their files";
  const known = `${bytes(found.bytes)} in ${several(found.files, "file")}`;
  const unsized = found.filesWithoutSize > 0 ? [`${several(found.filesWithoutSize, "file")} of unknown size`] : [];
  const unlisted = found.withoutFiles > 0 ? [`the files of ${several(found.withoutFiles, "model")} not known`] : [];
  return [known, ...unsized, ...unlisted].join("; ");
}
