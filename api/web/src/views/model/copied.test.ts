import { expect, test } from "vitest";
import { copied, restsOn } from "./copied";

test("whether a model is a copy, in one sentence", () => {
  expect(copied({ class: "COPY", score: 0 })).toBe("Yes, a copy: the same weight files as an older model.");
  expect(copied({ class: "QUANTIZED", score: 0 })).toBe("Yes: the same weights, quantised.");
  expect(copied({ class: "LIGHT", score: 4.96 })).toBe("No, a light fork; 5.0 of 100 is new.");
  expect(copied({ class: "SUBSTANTIAL", score: 42.1 })).toBe("No, a substantial fork; 42 of 100 is new.");
  expect(copied({ class: "NEW", score: null })).toBe("No, an original: no base model is known.");
  expect(copied({ class: "UNKNOWN", score: null })).toMatch(/^It is not to be told/);
});

test("what was not read is said", () => {
  expect(restsOn({ class: "LIGHT", tier: "T0" })).toMatch(/were not read/);
  expect(restsOn({ class: "LIGHT", tier: "T2" })).toBe("By its weights.");
  expect(restsOn({ class: "NEW", tier: "T0" })).toBeNull();
});
