/** This file knows how the graph grows: what is asked of the service when something is opened, looked for, or in the address. */
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ask, Failed, useAnswer } from "../../ask";
import { ChainBetween, FanOf, LineageOf } from "../../operations";
import { EMPTY, edgeOf, type Graph, nodeOf, unpacked, withFan, withMore } from "./graph";

export interface Grown {
  graph: Graph;
  /** The name as the catalogue spells it; null while it is asked for, or when there is no such model. */
  focus: string | null;
  ancestors: ReadonlySet<string>;
  totalAncestors: number;
  unknown: boolean;
  error: Failed | null;
  again(): void;
  /** What is being asked for, or what went wrong last. */
  note: string;
  fan(id: string): Promise<void>;
  add(change: (graph: Graph) => Graph): void;
  /** The models from one to another, both named, fewest derivations first; null when they are not related. */
  chain(from: string, to: string): Promise<readonly string[] | null>;
}

export function useGrown(id: string): Grown {
  const first = useAnswer(LineageOf, { id });
  const lineage = first.loading ? null : (first.data?.lineage ?? null);
  const [more, setMore] = useState<{ of: string; changes: readonly ((graph: Graph) => Graph)[] }>({
    of: "",
    changes: [],
  });
  const [note, setNote] = useState("");
  const asked = useRef(new Set<string>());
  const begun = useMemo(() => {
    if (!lineage) return null;
    const { nodes, edges } = unpacked(lineage.packed);
    const graph = withMore(EMPTY, [nodeOf(lineage.root), ...nodes], edges);
    return {
      graph: withFan(graph, lineage.root.id, lineage.root.fan),
      ancestors: new Set(nodes.map((node) => node.id)),
    };
  }, [lineage]);
  const graph = useMemo(
    () => (begun ? (more.of === id ? more.changes : []).reduce((now, change) => change(now), begun.graph) : EMPTY),
    [begun, more, id],
  );
  useEffect(() => {
    asked.current = new Set();
    setNote("");
  }, [id]);
  const add = useCallback(
    (change: (graph: Graph) => Graph) =>
      setMore((before) => ({ of: id, changes: [...(before.of === id ? before.changes : []), change] })),
    [id],
  );
  const tried = useCallback(async <Value>(words: string, what: () => Promise<Value>): Promise<Value | null> => {
    setNote(words);
    try {
      const value = await what();
      setNote("");
      return value;
    } catch (error) {
      setNote(error instanceof Failed ? error.message : String(error));
      return null;
    }
  }, []);
  const fan = useCallback(
    async (of: string) => {
      if (asked.current.has(of)) return;
      asked.current.add(of);
      const answer = await tried(`Asking what was made from ${of} …`, () => ask(FanOf, { id: of }));
      const model = answer?.model;
      if (model) add((now) => withFan(now, model.id, model.fan));
      else asked.current.delete(of);
    },
    [add, tried],
  );
  const chain = useCallback(
    async (from: string, to: string) => {
      const answer = await tried(`Looking for the way to ${to} …`, () => ask(ChainBetween, { from, to }));
      const models = answer?.paths[0]?.models;
      if (!models) return null;
      const ids = new Set(models.map((model) => model.id));
      const edges = models.flatMap((model) =>
        model.baseModels.flatMap((line) =>
          ids.has(line.baseModel.id) ? [edgeOf(model.id, line.baseModel.id, line)] : [],
        ),
      );
      add((now) =>
        withMore(
          now,
          models.map((model) => nodeOf(model)),
          edges,
        ),
      );
      return models.map((model) => model.id);
    },
    [add, tried],
  );
  return {
    graph,
    focus: lineage?.root.id ?? null,
    ancestors: begun?.ancestors ?? new Set(),
    totalAncestors: lineage?.totalAncestors ?? 0,
    unknown: !first.loading && first.data !== null && first.data.lineage === null,
    error: first.error,
    again: first.again,
    note,
    fan,
    add,
    chain,
  };
}
