// This file knows how GraphiQL is bundled: apart from the explorer, with its own packages, loaded only on its own page.
import { defineConfig } from "vite";

export default defineConfig({
  base: "/graphiql/",
  logLevel: "error", // its libraries carry directives for other bundlers, one warning each
  publicDir: false,
  oxc: { jsx: { runtime: "automatic" } },
  worker: { format: "es" },
  build: {
    modulePreload: false,
    chunkSizeWarningLimit: 9999,
    license: { fileName: "licences.md" },
  },
});
