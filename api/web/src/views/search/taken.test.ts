import { expect, test } from "vitest";
import { askedIn, asParameters, sizeOf } from "./taken";

test("the address asks for a subset by its limit", () => {
  expect(askedIn(new URLSearchParams("q=a"))).toBeNull();
  expect(askedIn(new URLSearchParams("limit=none"))).toBeNull();
  expect(askedIn(new URLSearchParams("limit=7&ancestors=1"))).toEqual({
    limit: 7,
    ancestors: true,
    descendants: false,
  });
  expect(askedIn(new URLSearchParams("limit=999999"))?.limit).toBe(2500);
});

test("its parameters are the view's, without page and columns", () => {
  const query = new URLSearchParams("q=a+b&licence=mit&licence=x&after=1&after=2&columns=task&limit=7");
  expect(asParameters(query)).toBe("q=a+b&licence=mit&licence=x&limit=7");
});

test("what is not known of its size is said", () => {
  const all = { models: 3, files: 4, bytes: 2_500_000, withoutFiles: 0, filesWithoutSize: 0 };
  expect(sizeOf(all)).toBe("2.5 MB in 4 files");
  expect(sizeOf({ ...all, withoutFiles: 1, filesWithoutSize: 2 })).toBe(
    "2.5 MB in 4 files; 2 files of unknown size; the files of 1 model not known",
  );
  expect(sizeOf({ ...all, files: 0, bytes: 0, withoutFiles: 3 })).toMatch(/^not known/);
});
