/** This file knows the table of a crowd: its members with filter and order, to take away or to draw one by one. */
import { useMemo, useRef, useState } from "preact/hooks";
import { modelAddress } from "../../addresses";
import { useAnswer } from "../../ask";
import { MembersOf } from "../../operations";
import { save } from "../../save";
import { count, day, several, short } from "../../words";
import { byWeightsAlone, type Crowd } from "./drawn";
import { csvText } from "./exports";
import { type Edge, type Node, unpacked } from "./graph";
import { crowdWords } from "./picture";

export const MOST = 2500; // rows, as many as the service gives at once
const AT_FIRST = 200; // rows in the page
type By = "downloads" | "created" | "descendants" | "novelty" | "id";

interface Props {
  crowd: Crowd;
  close(): void;
  draw(nodes: Node[], edges: Edge[]): void;
}

export function Members({ crowd, close, draw }: Props) {
  const asked = useRef(crowd).current; // what is drawn in the meantime does not change the table
  const { data, error } = useAnswer(MembersOf, { id: asked.parent, relation: asked.relation, limit: MOST });
  const [text, setText] = useState("");
  const [by, setBy] = useState<By>("downloads");
  const [shown, setShown] = useState(AT_FIRST);
  const rows = useMemo(() => {
    if (!data?.lineage) return [];
    const { nodes, edges } = unpacked(data.lineage.packed);
    const known = new Map(nodes.map((node) => [node.id, node]));
    return edges.flatMap((edge) => {
      const node = edge.base === asked.parent ? known.get(edge.model) : undefined;
      return node ? [{ node, edge }] : [];
    });
  }, [data, asked]);
  const chosen = useMemo(() => {
    const part = text.toLowerCase();
    const kept = rows.filter(({ node }) => node.id.toLowerCase().includes(part));
    return kept.sort((a, b) =>
      by === "id"
        ? a.node.id < b.node.id
          ? -1
          : 1
        : (b.node[by] ?? -1) - (a.node[by] ?? -1) || (a.node.id < b.node.id ? -1 : 1),
    );
  }, [rows, text, by]);
  const total =
    data?.lineage?.root.derivedCounts.find((each) => each.relation === asked.relation)?.count ?? asked.fan.count;
  const column = (name: By, words: string) => (
    <th
      scope="col"
      aria-sort={by === name ? (name === "id" ? "ascending" : "descending") : undefined}
      class={name === "id" ? "" : "number"}
    >
      <button type="button" class="plain" onClick={() => setBy(name)}>
        {words}
      </button>
    </th>
  );
  const csv = () => {
    const head = [
      "model",
      "base_model",
      "relation",
      "evidence",
      "conflict",
      "created",
      "downloads",
      "descendants",
      "novelty",
      "licence",
    ];
    const lines = chosen.map(({ node, edge }) => [
      node.id,
      edge.base,
      edge.relation,
      edge.evidence.join(" "),
      edge.conflict,
      node.created === null ? null : new Date(node.created).toISOString(),
      node.downloads,
      node.descendants,
      node.novelty,
      node.licence,
    ]);
    save(
      `${asked.parent.replaceAll("/", "--")}-${asked.relation.toLowerCase()}.csv`,
      csvText([head, ...lines]),
      "text/csv",
    );
  };
  return (
    <section class="members" aria-label={`${crowdWords(asked)} of ${asked.parent}`}>
      <div class="head">
        <h2>
          {crowdWords(asked)} <span class="quiet">of {asked.parent}</span>
        </h2>
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
      {error && <p role="alert">{error.message}</p>}
      {!data && !error && <p class="quiet">Loading …</p>}
      {data && (
        <>
          <div class="tools">
            <label>
              <span class="unseen">Part of a name in this table</span>
              <input
                type="search"
                placeholder="Filter by name"
                value={text}
                onInput={(event) => setText(event.currentTarget.value)}
              />
            </label>
            <button
              type="button"
              onClick={() =>
                draw(
                  chosen.map((row) => row.node),
                  chosen.map((row) => row.edge),
                )
              }
              disabled={chosen.length === 0}
            >
              Draw {chosen.length === 1 ? "it" : `these ${count(chosen.length)}`}
            </button>
            <button type="button" onClick={csv}>
              CSV
            </button>
          </div>
          <p role="status" class="small quiet">
            {several(total, "derivation")} in all
            {total > rows.length && <>; the {count(rows.length)} most downloaded are in the table</>}
            {text && <>, {count(chosen.length)} have the text in their name</>}.
          </p>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reached by the keyboard */}
          <div class="rows" tabIndex={0} role="region" aria-label="Members">
            <table>
              <thead>
                <tr>
                  {column("id", "Model")}
                  {column("created", "Made")}
                  {column("downloads", "Downloads")}
                  {column("descendants", "Forks")}
                  {column("novelty", "Novelty")}
                </tr>
              </thead>
              <tbody>
                {chosen.slice(0, shown).map(({ node, edge }) => (
                  <tr key={node.id}>
                    <th scope="row">
                      <a class="id" href={modelAddress(node.id)}>
                        {node.id}
                      </a>
                      {edge.conflict && <span class="conflict"> claims disagree</span>}
                      {byWeightsAlone(edge) && <span class="quiet small"> by weights</span>}
                    </th>
                    <td class="number">{node.created === null ? "" : day(new Date(node.created).toISOString())}</td>
                    <td class="number">{node.downloads === null ? "" : short(node.downloads)}</td>
                    <td class="number">{node.descendants || ""}</td>
                    <td class="number">{node.novelty === null ? "" : Math.round(node.novelty)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
            {chosen.length > shown && (
              <button type="button" class="plain" onClick={() => setShown(shown + 1000)}>
                {count(chosen.length - shown)} more rows
              </button>
            )}
          </div>
        </>
      )}
    </section>
  );
}
