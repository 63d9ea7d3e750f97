/** This file knows how the explorer is bundled: absolute addresses, hashed names, a list of the licences of what is inside. */
import { defineConfig } from "vite";

export default defineConfig({
  logLevel: "warn",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    modulePreload: false,
    license: { fileName: "licences.md" },
    target: "es2022",
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
  },
  server: { proxy: { "/graphql": "http://127.0.0.1:8000" } },
});
