/** This file knows how the whole of a crowd is read: a stream of lines, as many as there are, most downloaded first. */
import type { Relation } from "../../operations";
import type { Edge, Node } from "./graph";

export interface Member {
  node: Node;
  edge: Edge;
}

interface Line {
  model: string;
  base_model: string;
  relation: string;
  evidence: string[];
  confidence: number | null;
  conflict: boolean;
  cycle: boolean;
  state: string;
  created: string | null;
  downloads: number | null;
  descendants: number | null;
  novelty: number | null;
  novelty_class: string | null;
  licence: string | null;
}

export const crowdAddress = (id: string, relation: Relation, kind: "csv" | "jsonl"): string =>
  `/models/${id.split("/").map(encodeURIComponent).join("/")}/derived.${kind}?relation=${relation.toLowerCase()}`;

export function memberOf(text: string): Member {
  const line = JSON.parse(text) as Line;
  return {
    node: {
      id: line.model,
      state: line.state.toUpperCase(),
      created: line.created === null ? null : Date.parse(line.created),
      downloads: line.downloads,
      descendants: line.descendants ?? 0,
      licence: line.licence,
      novelty: line.novelty,
      kind: line.novelty_class,
    },
    edge: {
      model: line.model,
      base: line.base_model,
      relation: line.relation.toUpperCase() as Relation,
      evidence: line.evidence.map((word) => word.toUpperCase()),
      confidence: line.confidence,
      conflict: line.conflict,
      cycle: line.cycle,
      cosine: null,
    },
  };
}

/** Cuts pieces of text, wherever they end, into whole lines. */
export class Lines {
  private begun = "";

  take(piece: string): string[] {
    const lines = (this.begun + piece).split("\n");
    this.begun = lines.pop() ?? "";
    return lines;
  }
}

/** Reads a crowd; `seen` hears how many there are so far. Throws when the service breaks off. */
export async function readCrowd(
  id: string,
  relation: Relation,
  seen: (many: number) => void,
  signal: AbortSignal,
): Promise<Member[]> {
  const response = await fetch(crowdAddress(id, relation, "jsonl"), { signal });
  if (!response.ok || !response.body) throw new Error(`The service answered ${response.status}.`);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const lines = new Lines();
  const found: Member[] = [];
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    for (const line of lines.take(piece.value)) found.push(memberOf(line));
    seen(found.length);
  }
  return found;
}
