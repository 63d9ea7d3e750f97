import { expect, test } from "vitest";
import { bytes, novelty, noveltyAtLength, percent, relation, several, short } from "./words";

test.each([
  [0, "0"],
  [999, "999"],
  [47_196, "47.2k"],
  [61_900_000, "61.9M"],
  [7_241_732_096, "7.24B"],
])("%d is short for readers", (n, words) => expect(short(n)).toBe(words));

test.each([
  [0, "0 B"],
  [1_500, "1.5 kB"],
  [14_483_464_192, "14 GB"],
])("%d bytes", (n, words) => expect(bytes(n)).toBe(words));

test("a share below one is never told as certainty", () => {
  expect(percent(0.9999)).toBe("> 99 %");
  expect(percent(1)).toBe("100 %");
  expect(percent(0.5)).toBe("50 %");
});

test("words agree with their number", () => {
  expect(several(1, "model")).toBe("1 model");
  expect(several(1234, "model")).toBe("1,234 models");
  expect(relation("FINETUNE", 3)).toBe("fine-tunes");
});

test("a class of novelty is told in both spellings, in a word and at length", () => {
  expect([novelty("MERGED_KNOWN"), novelty("merged-known")]).toEqual([
    "merge of known models",
    "merge of known models",
  ]);
  expect(noveltyAtLength("merged-known")).toBe("a merge of models that are all known");
});
