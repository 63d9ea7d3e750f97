/** This file knows the models that the reader has put aside to compare. */
import { cell } from "./cell";

export const MOST = 5;
const KEY = "stemma-tray";

function kept(): string[] {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter((id) => typeof id === "string").slice(0, MOST) : [];
  } catch {
    return [];
  }
}

export const tray = cell<readonly string[]>(kept());

function set(ids: readonly string[]): void {
  tray.set(ids);
  try {
    sessionStorage.setItem(KEY, JSON.stringify(ids));
  } catch {
    // the choice lasts as long as the page
  }
}

/** Put a model aside, or back. A sixth pushes the first out. */
export function toggle(id: string): void {
  const now = tray.get();
  set(now.includes(id) ? now.filter((each) => each !== id) : [...now, id].slice(-MOST));
}

export const clear = (): void => set([]);
