import { expect, test } from "vitest";
import { crowdAddress, Lines, memberOf } from "./crowd";

test("lines are whole, wherever the pieces end", () => {
  const lines = new Lines();
  expect(["a", "b\nc", "\n", "", "d\ne\n"].flatMap((piece) => lines.take(piece))).toEqual(["ab", "c", "d", "e"]);
});

test("a line is a model and its derivation, spelled as GraphQL does", () => {
  const { node, edge } = memberOf(
    '{"model":"a/b","base_model":"c/d","relation":"adapter","evidence":["hub","weights"],"confidence":null,"conflict":true,' +
      '"cycle":false,"state":"gated","created":"2024-01-01T00:00:00Z","downloads":7,"descendants":null,"novelty":1.5,' +
      '"novelty_class":"light","licence":null}',
  );
  expect(node).toEqual({
    id: "a/b",
    state: "GATED",
    created: Date.UTC(2024, 0, 1),
    downloads: 7,
    descendants: 0,
    licence: null,
    novelty: 1.5,
    kind: "light",
  });
  expect([edge.base, edge.relation, edge.evidence]).toEqual(["c/d", "ADAPTER", ["HUB", "WEIGHTS"]]);
  expect(crowdAddress("a/b c", "ADAPTER", "csv")).toBe("/models/a/b%20c/derived.csv?relation=adapter");
});
