// This file knows the page where documents are written and tried: GraphiQL, without anything from elsewhere, with questions to begin with.
import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "./page.css";
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";

const files = import.meta.glob("./examples/*.graphql", { query: "?raw", import: "default", eager: true });
const examples = Object.keys(files)
  .sort()
  .map((name) => ({ query: files[name].trim() }));

// a view of the explorer hands its document over behind the #, so that it reaches no server
const given = new URLSearchParams(location.hash.slice(1));
const handed = given.has("query")
  ? { initialQuery: given.get("query"), initialVariables: given.get("variables") ?? "" }
  : {};

createRoot(document.getElementById("graphiql")).render(
  <GraphiQL
    fetcher={createGraphiQLFetcher({ url: new URL("/graphql", location.href).href })}
    defaultTabs={examples}
    {...handed}
  >
    <GraphiQL.Logo>
      <a href="/">Stemma</a>
    </GraphiQL.Logo>
  </GraphiQL>,
);
