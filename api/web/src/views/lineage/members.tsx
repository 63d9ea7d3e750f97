/** This file knows the table of a crowd: its members with filter and order, to take away or to draw one by one. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { modelAddress } from "../../addresses";
import { useAnswer } from "../../ask";
import { MembersOf } from "../../operations";
import { save } from "../../save";
import { count, day, several, short } from "../../words";
import { crowdAddress, type Member, readCrowd } from "./crowd";
import { byWeightsAlone, type Crowd } from "./drawn";
import { csvText } from "./exports";
import { type Edge, type Node, unpacked } from "./graph";
import { crowdWords } from "./picture";
import { useSpan } from "./windowed";

export const MOST = 2500; // rows, as many as the service gives at once and a picture holds
const ROW = 32; // pixels
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
  const whole = useWhole(asked);
  const box = useRef<HTMLDivElement>(null);
  const first = useMemo(() => {
    if (!data?.lineage) return [];
    const { nodes, edges } = unpacked(data.lineage.packed);
    const known = new Map(nodes.map((node) => [node.id, node]));
    return edges.flatMap((edge) => {
      const node = edge.base === asked.parent ? known.get(edge.model) : undefined;
      return node ? [{ node, edge }] : [];
    });
  }, [data, asked]);
  const rows = whole.members ?? first;
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
  const more = data !== null && whole.members === null && total > first.length;
  const span = useSpan(box, chosen.length, ROW);
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
    save(fileName(asked), csvText([head, ...lines]), "text/csv");
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
      {whole.failed && <p role="alert">{whole.failed}</p>}
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
                onInput={(event) => {
                  setText(event.currentTarget.value);
                  if (more) whole.read();
                }}
              />
            </label>
            <button
              type="button"
              onClick={() =>
                draw(
                  chosen.slice(0, MOST).map((row) => row.node),
                  chosen.slice(0, MOST).map((row) => row.edge),
                )
              }
              disabled={chosen.length === 0}
            >
              {chosen.length > MOST
                ? `Draw the first ${count(MOST)}`
                : `Draw ${chosen.length === 1 ? "it" : `these ${count(chosen.length)}`}`}
            </button>
            {more ? (
              <a class="button" href={crowdAddress(asked.parent, asked.relation, "csv")} download={fileName(asked)}>
                CSV of all
              </a>
            ) : (
              <button type="button" onClick={csv}>
                CSV
              </button>
            )}
            {more && (
              <button type="button" onClick={whole.read} disabled={whole.seen !== null}>
                {whole.seen === null ? `Read all ${count(total)}` : `${count(whole.seen)} of ${count(total)} read …`}
              </button>
            )}
          </div>
          <p role="status" class="small quiet">
            {several(total, "derivation")} in all
            {more && <>; the {count(rows.length)} most downloaded are in the table</>}
            {!more && total > rows.length && <>; {count(rows.length)} could be read</>}
            {text && <>, {count(chosen.length)} have the text in their name</>}.
          </p>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reached by the keyboard */}
          <div class="rows" ref={box} tabIndex={0} role="region" aria-label="Members">
            <table aria-rowcount={chosen.length + 1}>
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
                <Gap rows={span.first} />
                {chosen.slice(span.first, span.end).map(({ node, edge }, place) => (
                  <tr key={node.id} aria-rowindex={span.first + place + 2}>
                    <th scope="row" title={node.id}>
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
                <Gap rows={chosen.length - span.end} />
              </tbody>
            </table>
          </div>
        </>
      )}
    </section>
  );
}

const fileName = ({ parent, relation }: Crowd): string =>
  `${parent.replaceAll("/", "--")}-${relation.toLowerCase()}.csv`;

/** Room for rows that are out of sight. */
function Gap({ rows }: { rows: number }) {
  if (rows <= 0) return null;
  return (
    <tr {...{ "aria-hidden": true }} class="gap">
      <td colSpan={5} style={{ height: `${rows * ROW}px` }} />
    </tr>
  );
}

interface Whole {
  /** All members, once they are read. */
  members: Member[] | null;
  /** How many have come so far; null when nobody asked. */
  seen: number | null;
  failed: string;
  read(): void;
}

/** The whole of a crowd, read when it is asked for. */
function useWhole({ parent, relation }: Crowd): Whole {
  const [members, setMembers] = useState<Member[] | null>(null);
  const [seen, setSeen] = useState<number | null>(null);
  const [failed, setFailed] = useState("");
  const stop = useRef<AbortController | null>(null);
  useEffect(() => () => stop.current?.abort(), []);
  const read = () => {
    if (stop.current) return;
    const own = new AbortController();
    stop.current = own;
    setSeen(0);
    setFailed("");
    readCrowd(parent, relation, setSeen, own.signal).then(setMembers, (error: unknown) => {
      if (own.signal.aborted) return;
      stop.current = null;
      setSeen(null);
      setFailed(`Not all could be read. ${error instanceof Error ? error.message : ""}`);
    });
  };
  return { members, seen, failed, read };
}
