/** This file knows how the picture is drawn: cards, crowds and lines, only those whose rows are in sight. */
import type { ComponentChildren } from "preact";
import { memo } from "preact/compat";
import { useMemo } from "preact/hooks";
import { relation as relationWord, several, short } from "../../words";
import { byWeightsAlone, type Crowd, type Drawn } from "./drawn";
import type { Edge, Node } from "./graph";
import type { Item, Scene } from "./layout";
import { fitted, HEIGHT, type Measures, ROW, sliding, TOP, WIDTH } from "./place";

export interface Look {
  /** Pixels of the picture in sight. */
  top: number;
  bottom: number;
  /** The item that the keyboard is at. */
  active: string;
  hot: ReadonlySet<string>;
  path: ReadonlySet<string>;
  found: ReadonlySet<string>;
  focus: string;
  select(key: string): void;
  toggle(key: string): void;
  hover(key: string | null): void;
}

const ASIDE = 400; // pixels above and below that are drawn too

const UNSAID = { "aria-hidden": true } as const; // the item's label says it all

const colour = (item: Item): string =>
  item.relation === null
    ? "origin"
    : ["FINETUNE", "MERGE", "ADAPTER"].includes(item.relation)
      ? item.relation.toLowerCase()
      : "quantized";

/** What a scene holds, so that a frame looks only at what is in sight. */
interface Shelf {
  items: ReadonlyMap<string, Item>;
  /** The place in reading order. */
  order: ReadonlyMap<Item, number>;
  /** Without children, by row. */
  leaves: readonly Item[];
  spanning: readonly Item[];
  parents: ReadonlySet<string | null>;
  overlays: ReadonlyMap<string, readonly Edge[]>;
}

function shelved(scene: Scene): Shelf {
  const overlays = new Map<string, Edge[]>();
  for (const edge of scene.overlays) {
    const own = overlays.get(edge.model);
    if (own) own.push(edge);
    else overlays.set(edge.model, [edge]);
  }
  return {
    items: new Map(scene.items.map((item) => [item.key, item])),
    order: new Map(scene.items.map((item, place) => [item, place])),
    leaves: scene.items.filter((item) => item.first === item.last).sort((a, b) => a.row - b.row),
    spanning: scene.items.filter((item) => item.first !== item.last),
    parents: new Set(scene.items.map((item) => item.parent)),
    overlays,
  };
}

/** The first place in rows that is at least this one. */
function placeOf(items: readonly Item[], row: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((items[middle]?.row ?? 0) < row) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function Picture({
  scene,
  drawn,
  measures,
  look,
}: {
  scene: Scene;
  drawn: Drawn;
  measures: Measures;
  look: Look;
}) {
  const shelf = useMemo(() => shelved(scene), [scene]);
  const top = look.top - ASIDE;
  const bottom = look.bottom + ASIDE;
  const at = (item: Item) => ({ x: measures.x(item), y: sliding(item, look.top, look.bottom) });
  const shown = [
    ...shelf.spanning.filter((item) => {
      const { y } = at(item);
      return item.key === look.active || (y >= top && y <= bottom);
    }),
    ...shelf.leaves.slice(placeOf(shelf.leaves, (top - TOP) / ROW), placeOf(shelf.leaves, (bottom - TOP) / ROW)),
  ];
  const active = shelf.items.get(look.active);
  if (active && !shown.includes(active)) shown.push(active);
  shown.sort((a, b) => (shelf.order.get(a) ?? 0) - (shelf.order.get(b) ?? 0));
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: its label names it; a title would follow the pointer everywhere
    <svg
      class="picture"
      width={measures.width}
      height={measures.height}
      viewBox={`0 0 ${measures.width} ${measures.height}`}
      {...{ role: "tree", "aria-label": `Lineage of ${look.focus}` }}
    >
      <g {...UNSAID}>
        {shown.map((item) => {
          const parent = item.parent === null ? undefined : shelf.items.get(item.parent);
          if (!parent) return null;
          const edge = item.model === null ? null : (scene.primary.get(item.model) ?? null);
          const crowd = item.relation && item.model === null ? drawn.crowds.get(parent.key)?.get(item.relation) : null;
          const kind = mark(item.key, look);
          return (
            <Line key={item.key} from={at(parent)} to={at(item)} edge={edge} many={crowd?.left ?? 1} kind={kind} />
          );
        })}
        {shown.flatMap((item) =>
          (shelf.overlays.get(item.key) ?? []).map((edge) => {
            const from = shelf.items.get(edge.base);
            const marked = look.path.has(edge.base) && look.path.has(edge.model) ? " path" : "";
            const key = `${edge.model} ${edge.base}`;
            return (
              from && <Line key={key} from={at(from)} to={at(item)} edge={edge} many={1} kind={` also${marked}`} />
            );
          }),
        )}
      </g>
      {shown.map((item) => {
        const shared = { item, ...at(item), kind: mark(item.key, look), active: item === active };
        const does = { select: look.select, toggle: look.toggle, hover: look.hover };
        if (item.model === null) {
          const crowd = item.parent && item.relation ? drawn.crowds.get(item.parent)?.get(item.relation) : undefined;
          return crowd ? <Gathered key={item.key} {...shared} {...does} crowd={crowd} /> : null;
        }
        const node = drawn.nodes.get(item.model);
        if (!node) return null;
        return (
          <Card
            key={item.key}
            {...shared}
            {...does}
            node={node}
            edge={scene.primary.get(item.model) ?? null}
            hidden={drawn.hidden.get(item.model) ?? 0}
            opened={shelf.parents.has(item.key)}
            focus={item.model === look.focus}
          />
        );
      })}
    </svg>
  );
}

function mark(key: string, look: Look): string {
  return (
    (look.path.has(key) ? " path" : "") + (look.hot.has(key) ? " hot" : "") + (look.found.has(key) ? " found" : "")
  );
}

interface LineProps {
  from: { x: number; y: number };
  to: { x: number; y: number };
  edge: Edge | null;
  many: number;
  kind: string;
}

function Line({ from, to, edge, many, kind }: LineProps) {
  const right = to.x >= from.x + WIDTH;
  const x1 = right ? from.x + WIDTH : from.x + 14;
  const y1 = right ? from.y + HEIGHT / 2 : from.y + HEIGHT;
  const y2 = to.y + HEIGHT / 2;
  const bend = Math.max(26, (to.x - x1) / 2);
  const d = right
    ? `M${x1},${y1}C${x1 + bend},${y1} ${to.x - bend},${y2} ${to.x},${y2}`
    : `M${x1},${y1}C${x1},${y2} ${x1},${y2} ${to.x},${y2}`;
  const likeness = edge?.cosine ?? null;
  const width =
    edge === null
      ? 1.4 + Math.min(5, Math.log10(many + 1) * 1.4)
      : likeness === null
        ? 1.4
        : 0.8 + 2.6 * Math.max(0, likeness);
  const seen = edge !== null && byWeightsAlone(edge) ? " seen" : "";
  return <path class={`line${seen}${edge?.conflict ? " bad" : ""}${kind}`} d={d} stroke-width={width.toFixed(1)} />;
}

interface Shared {
  item: Item;
  x: number;
  y: number;
  kind: string;
  active: boolean;
  select(key: string): void;
  toggle(key: string): void;
  hover(key: string | null): void;
}

const month = (time: number): string => new Date(time).toISOString().slice(0, 7);

interface HitProps {
  item: Item;
  active: boolean;
  name: string;
  expanded: boolean | undefined;
  select(key: string): void;
  toggle(key: string): void;
  hover(key: string | null): void;
  children?: ComponentChildren;
}

/** What is clicked, focused and read out: it lies over the drawing, which says the same to the eye. */
function Hit({ item, active, name, expanded, select, toggle, hover, children }: HitProps) {
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a treeitem; the stage hears the keys
    <g
      {...{
        role: "treeitem",
        tabindex: active ? 0 : -1, // as SVG spells it
        "aria-label": name,
        "aria-expanded": expanded,
        "aria-level": item.column + 1,
        "aria-setsize": item.siblings,
        "aria-posinset": item.place,
        "data-key": item.key,
      }}
      onClick={() => select(item.key)}
      onDblClick={() => toggle(item.key)}
      onMouseEnter={() => hover(item.key)}
      onMouseLeave={() => hover(null)}
    >
      <rect class="hit" width={WIDTH} height={HEIGHT} rx={4} />
      {children}
    </g>
  );
}

interface CardProps extends Shared {
  node: Node;
  edge: Edge | null;
  hidden: number;
  opened: boolean;
  focus: boolean;
}

const Card = memo(function Card(props: CardProps) {
  const { item, x, y, kind, active, node, edge, hidden, opened, focus, select, toggle, hover } = props;
  const word = item.relation === null ? "origin" : relationWord(item.relation);
  const gone = node.state === "MISSING" || node.state === "GONE";
  const facts = [
    word,
    node.created !== null && month(node.created),
    node.downloads !== null && `↓${short(node.downloads)}`,
  ];
  if (node.state === "MISSING") facts.push("never seen itself");
  if (node.state === "GONE") facts.push("gone");
  const said = facts.filter(Boolean).join(" · ");
  const around = 2 * Math.PI * 7;
  const pill = hidden > 0 ? `+${short(hidden)}` : "";
  const wide = 13 + 6.9 * pill.length;
  const names = [node.id, said.replace("↓", "downloads ")];
  if (node.kind) names.push(`novelty: ${node.kind}`);
  if (edge?.conflict) names.push("claims disagree");
  if (hidden > 0) names.push(several(hidden, "descendant not drawn", "descendants not drawn"));
  return (
    <g
      class={`card ${colour(item)}${gone ? " gone" : ""}${focus ? " focus" : ""}${edge?.conflict ? " clash" : ""}${kind}`}
      transform={`translate(${x},${y})`}
    >
      <g {...UNSAID}>
        <rect class="sheet" width={WIDTH} height={HEIGHT} rx={4} />
        <rect class="side" width={4} height={HEIGHT} rx={2} />
        <circle class="ring" cx={18} cy={16} r={7} />
        {node.novelty !== null && node.novelty > 0 && (
          <circle
            class={`new ${node.kind ?? ""}`}
            cx={18}
            cy={16}
            r={7}
            stroke-dasharray={`${((around * node.novelty) / 100).toFixed(1)} ${around.toFixed(1)}`}
            transform="rotate(-90 18 16)"
          />
        )}
        <text class="name" x={32} y={13.5}>
          {fitted(node.id, WIDTH - 40, 12)}
        </text>
        <text class="sub" x={32} y={26}>
          {fitted(edge?.conflict ? [word, facts[2]].filter(Boolean).join(" · ") : said, WIDTH - 40, 10.5)}
          {edge?.conflict && <tspan class="warn"> · claims disagree</tspan>}
        </text>
        {pill && (
          <g class="pill" transform={`translate(${WIDTH + 4},6)`}>
            <rect width={wide} height={20} rx={10} />
            <text x={wide / 2} y={14} text-anchor="middle">
              {pill}
            </text>
          </g>
        )}
        {!pill && opened && (
          <g class="pill fold" transform={`translate(${WIDTH - 11},6)`}>
            <rect width={22} height={20} rx={10} />
            <path d="M6,10h10" />
          </g>
        )}
      </g>
      <Hit
        item={item}
        active={active}
        name={names.join(", ")}
        expanded={hidden > 0 ? false : opened ? true : undefined}
        select={select}
        toggle={toggle}
        hover={hover}
      >
        {(pill || opened) && (
          // biome-ignore lint/a11y/noStaticElementInteractions: part of a treeitem; the space key does the same
          <rect
            class="hit switch-of"
            x={pill ? WIDTH + 2 : WIDTH - 13}
            y={2}
            width={pill ? wide + 4 : 26}
            height={28}
            onClick={(event) => act(event, () => toggle(item.key))}
          />
        )}
      </Hit>
    </g>
  );
});

function act(event: Event, what: () => void): void {
  event.stopPropagation();
  what();
}

const Gathered = memo(function Gathered({
  item,
  x,
  y,
  kind,
  active,
  crowd,
  select,
  toggle,
  hover,
}: Shared & { crowd: Crowd }) {
  const words = crowdWords(crowd);
  const bars = crowd.fan.rest?.histogram ?? [];
  const highest = Math.max(1, ...bars);
  const names = [words, `${short(crowd.downloads)} downloads together`];
  if (crowd.conflicts > 0) names.push(several(crowd.conflicts, "conflict"));
  if (crowd.inferred > 0) names.push(`${crowd.inferred} known by weights alone`);
  return (
    <g class={`card crowd ${colour(item)}${kind}`} transform={`translate(${x},${y})`}>
      <g {...UNSAID}>
        {crowd.left > 0 && <rect class="behind" x={4} y={4} width={WIDTH} height={HEIGHT} rx={4} />}
        <rect class="sheet" width={WIDTH} height={HEIGHT} rx={4} />
        <rect class="side" width={4} height={HEIGHT} rx={2} />
        <text class="name" x={14} y={crowd.left > 0 ? 13.5 : 20}>
          {words}
        </text>
        {crowd.left > 0 && (
          <>
            <text class="sub" x={14} y={26}>
              ↓{short(crowd.downloads)} together
              {crowd.conflicts > 0 && <tspan class="warn"> · {several(crowd.conflicts, "conflict")}</tspan>}
              {crowd.inferred > 0 && <tspan> · {short(crowd.inferred)} by weights</tspan>}
            </text>
            {bars.map((bar, at) =>
              bar === 0 ? null : (
                <rect
                  key={at}
                  class="bar"
                  x={WIDTH - 72 + at * 5.5}
                  y={HEIGHT - 5 - Math.max(1, (20 * bar) / highest)}
                  width={4.2}
                  height={Math.max(1, (20 * bar) / highest)}
                />
              ),
            )}
          </>
        )}
      </g>
      <Hit
        item={item}
        active={active}
        name={names.join(", ")}
        expanded={crowd.left === 0}
        select={select}
        toggle={toggle}
        hover={hover}
      />
    </g>
  );
});

export function crowdWords(crowd: Crowd): string {
  const many =
    crowd.relation === "QUANTIZED"
      ? crowd.left === 1
        ? "quantised copy"
        : "quantised copies"
      : relationWord(crowd.relation, crowd.left);
  if (crowd.left === 0)
    return `Fold ${crowd.drawn.toLocaleString("en-GB")} ${crowd.relation === "QUANTIZED" ? "quantised copies" : relationWord(crowd.relation, 2)}`;
  const more = crowd.fan.named.length > 0 || crowd.drawn > 0 ? "more " : "";
  return `${crowd.left.toLocaleString("en-GB")} ${more}${many}`;
}
