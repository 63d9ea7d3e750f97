/** This file knows how a relation is shown: a word, coloured. */
import { relation } from "../words";

export function RelationWord({ name }: { name: string }) {
  return <span class={`relation ${name.toLowerCase()}`}>{relation(name)}</span>;
}
