/** This file knows how numbers, dates and the schema's names are written for readers. */
const COUNT = new Intl.NumberFormat("en-GB");
const SHORT = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

export const count = (n: number): string => COUNT.format(n);
export const short = (n: number): string => SHORT.format(n).replace("K", "k");
export const day = (time: string): string => time.slice(0, 10);

/** 1 model, 2 models. */
export const several = (n: number, one: string, more = `${one}s`): string => `${count(n)} ${n === 1 ? one : more}`;

export function bytes(n: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let step = 0;
  let left = n;
  while (left >= 1000 && step < units.length - 1) {
    left /= 1000;
    step++;
  }
  return `${left < 10 && step > 0 ? left.toFixed(1) : Math.round(left)} ${units[step]}`;
}

const RELATIONS: Record<string, [string, string]> = {
  ROOT: ["original", "originals"],
  FINETUNE: ["fine-tune", "fine-tunes"],
  ADAPTER: ["adapter", "adapters"],
  MERGE: ["merge", "merges"],
  QUANTIZED: ["quantised", "quantised versions"],
  IDENTICAL: ["identical copy", "identical copies"],
  RECAST: ["recast", "recast versions"],
  PRUNED: ["pruned", "pruned versions"],
  EXPANDED: ["expanded", "expanded versions"],
  PERMUTED: ["permuted copy", "permuted copies"],
  UNKNOWN: ["relation not told", "relation not told"],
};

export const relation = (name: string, n = 1): string => RELATIONS[name]?.[n === 1 ? 0 : 1] ?? name.toLowerCase();

const EVIDENCE: Record<string, string> = {
  HUB: "the Hub",
  CARD: "the card",
  TAG: "its tags",
  CONFIG: "its configuration",
  WEIGHTS: "its weights",
};

const SAYS: Record<string, string> = {
  HUB: "The Hub says",
  CARD: "The card says",
  TAG: "The tags say",
  CONFIG: "The configuration says",
  WEIGHTS: "The weights say",
};

export const says = (name: string): string => SAYS[name] ?? name.toLowerCase();
export const evidence = (name: string): string => EVIDENCE[name] ?? name.toLowerCase();

/** A share from 0 to 1; never rounded up to certainty. */
export const percent = (share: number): string =>
  share > 0.99 && share < 1 ? "> 99 %" : `${Math.round(share * 100)} %`;

/** In a word, and at length. */
const NOVELTY: Record<string, [string, string]> = {
  copy: ["copy", "a copy: the same weight files as an older model"],
  repackaged: ["repackaged copy", "a copy: the same weights in other files"],
  recast: ["other number format", "the same weights in another number format"],
  quantized: ["quantised", "the same weights, quantised"],
  "merged-known": ["merge of known models", "a merge of models that are all known"],
  adapter: ["adapter", "an adapter"],
  light: ["light fork", "a light fork"],
  substantial: ["substantial fork", "a substantial fork"],
  new: ["not a fork", "an original: no base model is known"],
  unknown: ["not to be told", "not to be told: its base model is not known well enough"],
};

const noveltyKey = (name: string): string => name.toLowerCase().replaceAll("_", "-");

/** A class of novelty in a word, in either of the catalogue's spellings. */
export const novelty = (name: string): string => NOVELTY[noveltyKey(name)]?.[0] ?? noveltyKey(name);

/** The same as the end of a sentence: "it is ...". */
export const noveltyAtLength = (name: string): string => NOVELTY[noveltyKey(name)]?.[1] ?? noveltyKey(name);
