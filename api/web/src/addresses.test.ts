import { expect, test } from "vitest";
import { compareAddress, idAfter, modelAddress } from "./addresses";

test.each(["gpt2", "org/name", "org/na me", "a/b?c#d", "org/100%", "名前/x", "org/a&id=b"])(
  "%s is found again in its address",
  (id) => {
    const url = new URL(modelAddress(id), "http://here");
    expect(idAfter("/models/", url.pathname)).toBe(id);
    expect(new URL(compareAddress([id, "x"]), "http://here").searchParams.getAll("id")).toEqual([id, "x"]);
  },
);

test("an address of something else names no model", () => {
  expect(idAfter("/models/", "/lineage/a/b")).toBeNull();
  expect(idAfter("/models/", "/models/")).toBeNull();
  expect(idAfter("/models/", "/models/%E0%A4%A")).toBeNull();
});
