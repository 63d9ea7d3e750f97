import { expect, test } from "vitest";
import type { Asked } from "../../operations";
import { answer, kinds } from "./asked";

const duty = (kind: string, licence: string, ...path: string[]): Asked["duties"][number] => ({
  kind,
  licence,
  path,
  meaning: `means ${kind}`,
});
const report = (duties: Asked["duties"], more: Partial<Asked> = {}): Asked => ({
  complete: true,
  unknown: [],
  leftOut: [],
  duties,
  ...more,
});

test("notices alone are a yes, conditions are told, a ban is said first", () => {
  expect(answer(report([duty("notice", "mit", "a")]))).toBe(
    "As far as the licences of its lineage tell: yes, with their notices kept.",
  );
  expect(answer(report([duty("notice", "x", "a"), duty("naming", "x", "a")]))).toMatch(/yes, on conditions\.$/);
  expect(answer(report([duty("naming", "x", "a"), duty("non-commercial", "cc-by-nc-4.0", "a", "b")]))).toBe(
    "Not for commercial use: cc-by-nc-4.0 of b forbids it.",
  );
});

test("what is not known is never told as permission", () => {
  expect(answer(report([], { unknown: ["a"] }))).toBe("Its licences are not known.");
  expect(answer(report([duty("notice", "mit", "a")], { unknown: ["b"] }))).toMatch(
    /^As far as the licences that are known tell/,
  );
  expect(answer(report([duty("notice", "mit", "a")], { complete: false }))).toMatch(
    /^As far as the licences that are known tell/,
  );
});

test("a condition is told once, with all who ask it", () => {
  const found = kinds(
    report([duty("naming", "llama3", "a"), duty("naming", "llama2", "a", "b"), duty("notice", "mit", "a")]),
  );
  expect(found).toEqual([
    {
      meaning: "means naming",
      by: [
        { licence: "llama3", model: "a" },
        { licence: "llama2", model: "b" },
      ],
    },
  ]);
});
