import { expect, test } from "vitest";
import type { Base, Relation, State } from "../../operations";
import { sentence } from "./sentence";

const base = (relation: Relation, id: string): Base => ({
  relation,
  evidence: ["HUB"],
  confidence: null,
  conflict: false,
  cycle: false,
  baseModel: { id, state: "LISTED" },
  claims: [],
});

const told = (state: State, ...baseModels: Base[]) =>
  sentence({
    state,
    baseModels,
    task: "text-generation",
    parameters: 7_240_000_000,
    licence: "mit",
  });

test("a root, a fine-tune, a merge and a mixture are told apart", () => {
  expect(told("LISTED")).toBe("No base model is known; text-generation, 7.24B parameters, mit.");
  expect(told("LISTED", base("FINETUNE", "a/b"))).toBe("A fine-tune of a/b; text-generation, 7.24B parameters, mit.");
  expect(told("LISTED", base("MERGE", "a/b"), base("MERGE", "a/c"))).toMatch(/^A merge of a\/b and a\/c;/);
  expect(told("LISTED", base("FINETUNE", "a/b"), base("UNKNOWN", "a/c"))).toMatch(
    /^A fine-tune of a\/b, made from a\/c;/,
  );
});

test("many base models are counted", () => {
  const many = ["a/1", "a/2", "a/3", "a/4", "a/5"].map((id) => base("MERGE", id));
  expect(told("LISTED", ...many)).toMatch(/^A merge of a\/1, a\/2 and 3 more;/);
});

test("what is not simply there is said", () => {
  expect(told("GATED")).toMatch(/Its files need consent\.$/);
  expect(told("GONE")).toMatch(/gone from the Hub\.$/);
  expect(told("MISSING")).toMatch(/has not seen it\.$/);
});
