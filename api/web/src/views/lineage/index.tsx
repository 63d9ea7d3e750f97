/** This file knows the view of a lineage: what is open is in the address, so that the same picture can be shared. */
import "./lineage.css";
import "./picture.css";
import { render } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { lineageAddress, modelAddress } from "../../addresses";
import { snapshot } from "../../ask";
import type { Relation } from "../../operations";
import { Failure } from "../../parts/failure";
import { having, ModelBox } from "../../parts/model-box";
import { go, usePlace, withQuery } from "../../place";
import { save } from "../../save";
import type { ViewProps } from "../../views";
import { count, several } from "../../words";
import { Details } from "./details";
import { drawn as drawnOf } from "./drawn";
import { graphmlText, jsonText, pngOf, svgText } from "./exports";
import { crowdKey, type Edge, type Node, withMore } from "./graph";
import { layOut } from "./layout";
import { Legend } from "./legend";
import { List } from "./list";
import { Members } from "./members";
import { useGrown } from "./opened";
import { Picture } from "./picture";
import { type Axis, measures as measuresOf } from "./place";
import { Stage } from "./stage";

const NONE: ReadonlySet<string> = new Set();

export default function LineageView({ id }: ViewProps) {
  if (id === "") return <p class="notice">Name a model in the address, as in /lineage/mistralai/Mistral-7B-v0.1.</p>;
  return <Lineage key={id} id={id} />;
}

function Lineage({ id }: { id: string }) {
  const grown = useGrown(id);
  const { query } = usePlace();
  const { graph, focus, fan, chain, add } = grown;
  const openInAddress = query.getAll("open").join("\n");
  const folded = query.has("folded");
  const axis: Axis = query.get("by") === "date" ? "date" : "generation";
  const listed = query.has("list");
  const wayTo = query.get("path");
  const [members, setMembers] = useState<ReadonlyMap<string, readonly string[]>>(new Map());
  const [led, setLed] = useState<ReadonlySet<string>>(NONE);
  const [way, setWay] = useState<{ to: string; ids: readonly string[] | null } | null>(null);
  const [active, setActive] = useState("");
  const [chosen, setChosen] = useState<string | null>(null);
  const [table, setTable] = useState<string | null>(null);
  const [sought, setSought] = useState("");

  useEffect(() => {
    if (focus !== null && focus !== id) go(lineageAddress(focus) + location.search, { replace: true });
    if (focus !== null) setActive((now) => now || focus);
  }, [focus, id]);
  useEffect(() => {
    for (const each of openInAddress ? openInAddress.split("\n") : []) void fan(each);
  }, [openInAddress, fan]);
  useEffect(() => {
    if (!wayTo || focus === null) {
      setWay(null);
      return;
    }
    let current = true;
    chain(focus, wayTo).then((ids) => {
      if (!current) return;
      setWay({ to: wayTo, ids });
      const end = ids?.[ids.length - 1];
      if (end) setActive(end);
    });
    return () => {
      current = false;
    };
  }, [wayTo, focus, chain]);

  const open = useMemo(() => {
    const all = new Set(openInAddress ? openInAddress.split("\n") : []);
    if (focus !== null && !folded) all.add(focus);
    return all;
  }, [openInAddress, focus, folded]);
  const drawn = useMemo(
    () =>
      drawnOf(graph, {
        focus: focus ?? "",
        always: new Set([...grown.ancestors, ...led, ...(way?.ids ?? [])]),
        open,
        members,
      }),
    [graph, focus, grown.ancestors, led, way, open, members],
  );
  const scene = useMemo(() => {
    const crowds = new Map([...drawn.crowds].map(([parent, told]) => [parent, new Set(told.keys())] as const));
    return layOut(drawn.nodes, drawn.edges, crowds, axis === "date");
  }, [drawn, axis]);
  const measures = useMemo(() => measuresOf(scene, drawn, axis), [scene, drawn, axis]);
  const path = useMemo(() => new Set(way?.ids ?? []), [way]);
  const ids = useMemo(() => [...drawn.nodes.keys()], [drawn]);
  const found = useMemo(() => new Set(having(sought, ids)), [sought, ids]);

  const crowdOf = useCallback(
    (key: string) => {
      const item = scene.items.find((each) => each.key === key && each.model === null);
      return item?.parent && item.relation ? (drawn.crowds.get(item.parent)?.get(item.relation) ?? null) : null;
    },
    [scene, drawn],
  );
  const opened = useCallback(
    (key: string): boolean | null => {
      const crowd = crowdOf(key);
      if (crowd) return crowd.left === 0;
      if (open.has(key) && (graph.fans.get(key)?.length ?? 0) > 0) return true;
      return (drawn.hidden.get(key) ?? 0) > 0 ? false : null;
    },
    [crowdOf, open, graph, drawn],
  );
  const drawMembers = useCallback(
    (parent: string, relation: Relation, nodes: readonly Node[], edges: readonly Edge[]) => {
      add((now) => withMore(now, nodes, edges));
      setMembers((before) =>
        new Map(before).set(
          crowdKey(parent, relation),
          nodes.map((node) => node.id),
        ),
      );
    },
    [add],
  );
  const toggleCrowd = useCallback(
    (key: string) => {
      const crowd = crowdOf(key);
      if (!crowd) return false;
      if (crowd.left === 0)
        setMembers((before) => {
          const fewer = new Map(before);
          fewer.delete(key);
          return fewer;
        });
      else setTable(key);
      return true;
    },
    [crowdOf],
  );
  const toggle = useCallback(
    (key: string) => {
      if (toggleCrowd(key)) return;
      setActive(key);
      if (key === focus) {
        go(withQuery({ folded: folded ? null : "" }), { replace: true });
        return;
      }
      const all = new Set(openInAddress ? openInAddress.split("\n") : []);
      if (!all.delete(key)) {
        if (opened(key) === null) return;
        all.add(key);
      }
      go(withQuery({ open: [...all] }), { replace: true });
    },
    [toggleCrowd, focus, folded, openInAddress, opened],
  );
  const select = useCallback(
    (key: string) => {
      setActive(key);
      if (!toggleCrowd(key)) setChosen(key);
    },
    [toggleCrowd],
  );
  const lead = useCallback(
    async (to: string) => {
      if (focus === null) return;
      const ids = drawn.nodes.has(to) ? [to] : await chain(focus, to);
      if (!ids) {
        setWay({ to, ids: null });
        return;
      }
      setLed((before) => new Set([...before, ...ids]));
      setActive(to);
      setChosen(to);
    },
    [focus, drawn, chain],
  );

  if (grown.error) return <Failure error={grown.error} again={grown.again} />;
  if (grown.unknown)
    return (
      <div class="notice">
        <h1>No such model</h1>
        <p>
          The catalogue has no model named {id}. <a href={`/?q=${encodeURIComponent(id)}`}>Search for it</a>.
        </p>
      </div>
    );
  if (focus === null) return <p class="quiet">Loading the lineage of {id} …</p>;
  const root = drawn.nodes.get(focus);
  const node = chosen === null ? undefined : drawn.nodes.get(chosen);
  const crowd = table === null ? null : crowdOf(table);
  return (
    <>
      <header class="over">
        <h1>
          <span class="quiet">Lineage of</span> <a href={modelAddress(focus)}>{focus}</a>
        </h1>
        <p role="status">
          {several(grown.totalAncestors, "ancestor")}, {several(root?.descendants ?? 0, "descendant")};{" "}
          {count(drawn.nodes.size)} drawn{grown.note && ` · ${grown.note}`}
        </p>
        <ModelBox
          label="Find a model in this lineage"
          placeholder="Find a model"
          text={sought}
          typed={setSought}
          chosen={(to) => {
            setSought("");
            void lead(to);
          }}
          near={{ ids, words: "in the picture" }}
        />
        <fieldset class="switch">
          <legend class="unseen">Across</legend>
          {(["generation", "date"] as const).map((each) => (
            <label key={each}>
              <input
                type="radio"
                name="axis"
                checked={axis === each}
                onChange={() => go(withQuery({ by: each === "date" ? "date" : null }), { replace: true })}
              />
              {each === "date" ? "By date" : "By generation"}
            </label>
          ))}
        </fieldset>
        <button
          type="button"
          aria-pressed={listed}
          onClick={() => go(withQuery({ list: listed ? null : "" }), { replace: true })}
        >
          List
        </button>
        <TakeAway save={(kind) => takeAway(kind, focus, drawn, scene, axis)} />
      </header>
      {way && (
        <p class="way" role="status">
          {way.ids === null ? (
            <>
              {way.to} and {focus} are not related, as far as the catalogue knows.
            </>
          ) : (
            <>
              {several(way.ids.length - 1, "derivation")} apart:{" "}
              {way.ids.map((each, at) => arrow(each, way.ids?.[at + 1], graph.edges))}
            </>
          )}{" "}
          <button
            type="button"
            class="plain"
            onClick={() => {
              setWay(null);
              go(withQuery({ path: null }), { replace: true });
            }}
          >
            Close
          </button>
        </p>
      )}
      <div class={`floor${node || crowd || listed ? " beside" : ""}`}>
        <Stage
          scene={scene}
          drawn={drawn}
          measures={measures}
          focus={focus}
          active={scene.items.some((item) => item.key === active) ? active : focus}
          path={path}
          found={found}
          opened={opened}
          select={select}
          move={setActive}
          toggle={toggle}
        />
        {(node || crowd || listed) && (
          <aside>
            {crowd && (
              <Members
                key={table}
                crowd={crowd}
                close={() => setTable(null)}
                draw={(nodes, edges) => {
                  drawMembers(crowd.parent, crowd.relation, nodes, edges);
                  setTable(null);
                }}
              />
            )}
            {node && !crowd && (
              <Details
                node={node}
                bases={drawn.edges.filter((edge) => edge.model === node.id)}
                focus={focus}
                hidden={drawn.hidden.get(node.id) ?? 0}
                opened={opened(node.id) === true}
                toggle={() => toggle(node.id)}
                pathTo={() => go(withQuery({ path: node.id }), { replace: true })}
                close={() => setChosen(null)}
              />
            )}
            {listed && <List scene={scene} drawn={drawn} select={select} />}
          </aside>
        )}
      </div>
      <Legend />
    </>
  );
}

function arrow(id: string, next: string | undefined, edges: ReadonlyMap<string, Edge>) {
  const words = next === undefined ? "" : edges.has(`${id} ${next}`) ? " → " : " ← ";
  return (
    <span key={id}>
      <strong>{id}</strong>
      {words}
    </span>
  );
}

const KINDS = ["SVG", "PNG", "JSON", "GraphML"] as const;

function TakeAway({ save: start }: { save(kind: (typeof KINDS)[number]): void }) {
  const menu = useRef<HTMLDetailsElement>(null);
  return (
    <details class="menu" ref={menu}>
      <summary>Save</summary>
      <fieldset>
        <legend class="unseen">What is drawn, as</legend>
        {KINDS.map((kind) => (
          <button
            type="button"
            key={kind}
            onClick={() => {
              if (menu.current) menu.current.open = false;
              start(kind);
            }}
          >
            {kind}
          </button>
        ))}
      </fieldset>
    </details>
  );
}

async function takeAway(
  kind: (typeof KINDS)[number],
  focus: string,
  drawn: ReturnType<typeof drawnOf>,
  scene: ReturnType<typeof layOut>,
  axis: Axis,
): Promise<void> {
  const name = `${focus.replaceAll("/", "--")}-lineage`;
  if (kind === "JSON") return save(`${name}.json`, jsonText(drawn, snapshot.get()), "application/json");
  if (kind === "GraphML") return save(`${name}.graphml`, graphmlText(drawn), "application/xml");
  const measures = measuresOf(scene, drawn, axis);
  const still = { select: () => {}, toggle: () => {}, hover: () => {} };
  const look = { top: 0, bottom: measures.height, active: "", hot: NONE, path: NONE, found: NONE, focus, ...still };
  const aside = document.createElement("div");
  render(<Picture scene={scene} drawn={drawn} measures={measures} look={look} />, aside);
  const picture = aside.querySelector("svg");
  if (!picture) return;
  const text = svgText(picture);
  render(null, aside);
  if (kind === "SVG") return save(`${name}.svg`, text, "image/svg+xml");
  save(`${name}.png`, await pngOf(text, measures.width, measures.height), "image/png");
}
