import { expect, test } from "vitest";
import { spanOf } from "./windowed";

test("of a long table the rows in sight are drawn, of a short one all", () => {
  expect(spanOf(10, 0, 500, 32)).toEqual({ first: 0, end: 10 });
  expect(spanOf(18_000, 0, 320, 32)).toEqual({ first: 0, end: 22 });
  expect(spanOf(18_000, 32_000, 320, 32)).toEqual({ first: 988, end: 1022 });
  expect(spanOf(5, 32_000, 320, 32)).toEqual({ first: 5, end: 5 }); // it became shorter and is not scrolled back yet
});
