/** This file knows the views: which address each has, and where its code lies. A view's code is loaded when it is first opened. */
import type { ComponentType } from "preact";
import { idAfter } from "./addresses";

export interface ViewProps {
  /** The model that the address names, or "". */
  id: string;
}

export interface View {
  name: string;
  /** Its entry in the navigation: words and address. */
  entry?: { words: string; address: string };
  /** The model that the path names, "" for none; null when the path is another view's. */
  at(path: string): string | null;
  load(): Promise<{ default: ComponentType<ViewProps> }>;
}

const exactly = (address: string) => (path: string) => (path === address ? "" : null);
const ofModel = (prefix: string) => (path: string) => idAfter(prefix, path);

export const VIEWS: readonly View[] = [
  { name: "search", entry: { words: "Search", address: "/" }, at: exactly("/"), load: () => import("./views/search") },
  { name: "model", at: ofModel("/models/"), load: () => import("./views/model") },
  { name: "lineage", at: ofModel("/lineage/"), load: () => import("./views/lineage") },
  { name: "map", entry: { words: "Map", address: "/map" }, at: exactly("/map"), load: () => import("./views/map") },
  {
    name: "ability",
    entry: { words: "Ability", address: "/ability" },
    at: exactly("/ability"),
    load: () => import("./views/ability"),
  },
  {
    name: "compare",
    entry: { words: "Compare", address: "/compare" },
    at: exactly("/compare"),
    load: () => import("./views/compare"),
  },
];
