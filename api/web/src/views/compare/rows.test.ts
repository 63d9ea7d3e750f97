import { expect, test } from "vitest";
import type { Compared } from "../../operations";
import { factsOf } from "./rows";

const model = (id: string, more: Partial<Compared>): Compared => ({
  id,
  state: "LISTED",
  task: null,
  library: null,
  licence: null,
  parameters: null,
  dtype: null,
  architecture: null,
  contextLength: null,
  createdAt: null,
  modifiedAt: null,
  downloads: null,
  downloadsAllTime: null,
  likes: null,
  gated: null,
  languages: [],
  tags: [],
  generation: null,
  totalDescendants: 0,
  novelty: null,
  ability: null,
  baseModels: [],
  roots: [],
  datasets: [],
  derivedCounts: [],
  ...more,
});

test("what no model knows is left out, what differs is marked", () => {
  const facts = factsOf([model("a", { licence: "mit", task: "fill-mask" }), model("b", { task: "fill-mask" })]);
  const named = new Map(facts.map((fact) => [fact.words, fact]));
  expect(named.has("Likes")).toBe(false);
  expect(named.get("Licence")).toMatchObject({ values: ["mit", null], differ: true });
  expect(named.get("Task")).toMatchObject({ differ: false });
});

test("lists are compared whatever their order", () => {
  const facts = factsOf([model("a", { languages: ["en", "fr"] }), model("b", { languages: ["fr", "en"] })]);
  expect(facts.find(({ words }) => words === "Languages")?.differ).toBe(false);
});
