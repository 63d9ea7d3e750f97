import { expect, test } from "vitest";
import { licenceKind, licenceSentences } from "./licences";

test.each([
  ["apache-2.0", "permissive"],
  ["mit", "permissive"],
  ["bsd-3-clause", "permissive"],
  ["cc-by-4.0", "permissive"],
  ["cc-by-sa-4.0", "copyleft"],
  ["gpl-3.0", "copyleft"],
  ["agpl-3.0", "copyleft"],
  ["cc-by-nc-4.0", "noncommercial"],
  ["cc-by-nc-nd-4.0", "noncommercial"],
  ["llama3.1", "own"],
  ["gemma", "own"],
  ["other", "own"],
])("%s is %s", (name, kind) => expect(licenceKind(name)).toBe(kind));

test("one licence all the way up needs one sentence", () => {
  const said = licenceSentences({ id: "a", licence: "mit" }, [{ id: "b", licence: "mit" }]);
  expect(said).toEqual(["mit, declared all the way up, allows commercial use."]);
});

test("a limit far up is said first, and so is what is not known", () => {
  const said = licenceSentences({ id: "a", licence: "mit" }, [
    { id: "b", licence: null },
    { id: "c", licence: "cc-by-nc-4.0" },
  ]);
  expect(said).toEqual([
    "cc-by-nc-4.0 of c does not allow commercial use.",
    "No licence is known of b.",
    "This model declares mit, which differs from c.",
  ]);
});

test("no licence is never told as permission", () => {
  expect(licenceSentences({ id: "a", licence: null }, [])).toEqual(["This model declares no licence."]);
});
