/** This file knows how it is shown that a model is not simply there. */
const WORDS: Record<string, string> = { MISSING: "not in the catalogue", GATED: "gated", GONE: "gone" };

export function State({ name }: { name: string }) {
  const words = WORDS[name];
  return words ? <span class="state">{words}</span> : null;
}
