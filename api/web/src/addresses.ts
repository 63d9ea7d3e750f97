/** This file knows the addresses of the views. */
const inPath = (id: string): string => id.split("/").map(encodeURIComponent).join("/");

export const modelAddress = (id: string): string => `/models/${inPath(id)}`;
export const lineageAddress = (id: string): string => `/lineage/${inPath(id)}`;
export const compareAddress = (ids: readonly string[]): string =>
  `/compare?${new URLSearchParams(ids.map((id) => ["id", id]))}`;

/** What follows a prefix in a path: the name of a model; null when the path is another's. */
export function idAfter(prefix: string, path: string): string | null {
  if (!path.startsWith(prefix) || path.length === prefix.length) return null;
  try {
    return path.slice(prefix.length).split("/").map(decodeURIComponent).join("/");
  } catch {
    return null;
  }
}
