/** This file knows whether the page is light or dark: as the system says, until the reader chooses. */
import { cell } from "./cell";

export type Theme = "auto" | "light" | "dark";
const KEY = "stemma-theme";

function chosen(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : "auto";
  } catch {
    return "auto"; // storage is switched off
  }
}

export const theme = cell<Theme>(chosen());

function show(now: Theme): void {
  if (now === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = now;
}

export function chooseTheme(now: Theme): void {
  try {
    localStorage.setItem(KEY, now);
  } catch {
    // the choice lasts as long as the page
  }
  theme.set(now);
  show(now);
}

/** Whether the page is dark now; for drawings that take colours as numbers. */
export const isDark = (): boolean =>
  theme.get() === "dark" || (theme.get() === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);

show(theme.get());
