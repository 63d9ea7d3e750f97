"""This file knows how a lineage is drawn as SVG: for a README, without a script, the same picture for the same snapshot.

Light and dark follow the reader's system. Names come from strangers: they are cut, and written as text only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from graph.fan import Crowd
from graph.records import DerivationRecord, Evidence, ModelRecord, Relation, State
from graph.scene import Item, Scene

COLUMN, WIDTH, ROW, HEIGHT, TOP, LEFT, FOOT = 306, 240, 38, 31, 62, 16, 40  # px
NAME_WIDTH, NAME_SIZE = WIDTH - 38, 11.5  # px
_NARROW, _WIDE = frozenset("fijlrtI.,:;|!'-()[] /"), frozenset("mwMWGOQ@%")
WORDS: dict[Relation, tuple[str, str]] = {
    Relation.FINETUNE: ("fine-tune", "fine-tunes"),
    Relation.ADAPTER: ("adapter", "adapters"),
    Relation.MERGE: ("merge", "merges"),
    Relation.QUANTIZED: ("quantised copy", "quantised copies"),
    Relation.IDENTICAL: ("identical copy", "identical copies"),
    Relation.RECAST: ("recast", "recast"),
    Relation.PRUNED: ("pruned", "pruned"),
    Relation.EXPANDED: ("expanded", "expanded"),
    Relation.PERMUTED: ("permuted copy", "permuted copies"),
    Relation.UNKNOWN: ("relation not told", "relation not told"),
}
_COLOURED = {Relation.FINETUNE: "f", Relation.MERGE: "m", Relation.ADAPTER: "a", Relation.QUANTIZED: "q"}
STYLE = """
svg{font-family:system-ui,"Segoe UI","DejaVu Sans",sans-serif;--paper:#fbfbfc;--sheet:#fff;--shade:#f1f3f6;--rule:#dfe3e9;
--edge:#c3cad4;--line:#a3adba;--ink:#1b222c;--faint:#566070;--f:#1f5f9e;--m:#14694b;--a:#6f3fa3;--q:#5a616c;--o:#1b222c;--bad:#b3161f;--new:#c4741a}
@media(prefers-color-scheme:dark){svg{--paper:#14171c;--sheet:#1b1f26;--shade:#232831;--rule:#333a45;--edge:#434c59;--line:#66717f;
--ink:#e6e9ee;--faint:#a4adba;--f:#7fb6ee;--m:#66cfa2;--a:#c39bf0;--q:#aab2bd;--o:#e6e9ee;--bad:#ff8a8a;--new:#f0a659}}
.paper{fill:var(--paper)}.title{font-size:15px;font-weight:650;fill:var(--ink)}.facts,.column,.sub{fill:var(--faint)}.facts{font-size:12px}
.column{font-size:10.5px;letter-spacing:.05em}.rule{stroke:var(--rule)}.name{font-size:11.5px;fill:var(--ink)}.sub{font-size:10px}
.card{fill:var(--sheet);stroke:var(--edge)}.crowd{fill:var(--shade);stroke:var(--edge)}.missing{stroke-dasharray:3 3;opacity:.75}
.focus{stroke:var(--ink);stroke-width:1.8}.clash{stroke:var(--bad)}.warn{fill:var(--bad);font-weight:600}.ring{fill:none;stroke:var(--rule)}
.new{fill:none;stroke:var(--new)}.line{fill:none;stroke:var(--line)}.seen{stroke-dasharray:5 3}
.also{stroke:var(--m);stroke-dasharray:1 4;opacity:.8}
.bad{stroke:var(--bad);stroke-width:1.8}.pill{font-size:10.5px;font-weight:600;fill:var(--paper)}
.f{fill:var(--f)}.m{fill:var(--m)}.a{fill:var(--a)}.q{fill:var(--q)}.o{fill:var(--o)}.bold{font-weight:600}
"""


def short(number: int) -> str:
    """A count in few characters: 12, 3.4k, 56k, 7.8M."""
    for size, unit in ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k")):
        if number >= size:
            value = number / size
            return f"{value:.1f}{unit}" if value < 10 else f"{value:.0f}{unit}"
    return str(number)


def clean(text: str, longest: int) -> str:
    """Text that may stand in XML, cut to so many characters."""
    kept = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return escape(kept if len(kept) <= longest else kept[: longest - 1] + "…")


def fitting(text: str, width: float, size: float) -> int:
    """How many characters of a text fit a width, by the usual widths of letters; fonts differ."""
    left = width / size
    for at, letter in enumerate(text):
        left -= 0.38 if letter in _NARROW else 0.9 if letter in _WIDE else 0.66 if letter.isupper() else 0.61
        left -= 0.45 if ord(letter) > 0x2E7F else 0
        if left < 0:
            return at
    return len(text)


def draw(
    focus: str,
    scene: Scene,
    models: Mapping[str, ModelRecord],
    crowds: Mapping[str, Mapping[Relation, Crowd]],
    totals: tuple[int, int],
    snapshot: str,
) -> str:
    """The whole picture. ``totals``: distinct ancestors and descendants, exactly; ``crowds`` as they were laid out."""
    width = LEFT * 2 + (scene.columns - 1) * COLUMN + WIDTH + 44
    height = TOP + scene.rows * ROW + FOOT
    ancestors, descendants = totals
    facts = f"{_several(ancestors, 'ancestor')}, {_several(descendants, 'descendant')} · snapshot {snapshot[:12]}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">',
        f"<title>Lineage of {clean(focus, 120)}</title><desc>{clean(facts, 200)}</desc><style>{STYLE}</style>",
        f'<rect class="paper" width="{width}" height="{height}"/>',
        f'<text class="title" x="{LEFT}" y="22">{clean(focus, 90)}</text>',
        f'<text class="facts" x="{LEFT}" y="38">{clean(facts, 200)}</text>',
    ]
    for column in range(scene.columns):
        x = LEFT + column * COLUMN
        words = f"GENERATION {column}" if column else "ORIGIN"
        parts.append(f'<text class="column" x="{x}" y="55">{words}</text>')
    place = {item.key: item for item in scene.items}
    parts += _lines(scene, place, crowds)
    for item in scene.items:
        if item.model is None:
            named = any(
                other.model and other.parent == item.parent and other.relation is item.relation for other in scene.items
            )
            parts += _crowd(item, crowds, named=named)
        else:
            edge = scene.primary.get(item.model)
            parts += _card(
                item, models[item.model], edge, _hidden(item.model, scene, models), focus=item.model == focus
            )
    parts.append(_legend(height - 14))
    parts.append("</svg>")
    return "".join(parts) + "\n"


def _several(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _at(item: Item) -> tuple[int, float]:
    return LEFT + item.column * COLUMN, TOP + item.row * ROW


def _hidden(id: str, scene: Scene, models: Mapping[str, ModelRecord]) -> int:
    """How many descendants of a model that has nothing to its right are not in the picture."""
    drawn = any(item.parent == id for item in scene.items)
    return 0 if drawn else models[id].descendants or 0


def _lines(scene: Scene, place: Mapping[str, Item], crowds: Mapping[str, Mapping[Relation, Crowd]]) -> Iterator[str]:
    for item in scene.items:
        if item.parent is None:
            continue
        edge = scene.primary[item.model] if item.model else None
        kind, width = "line", 1.4
        if edge is None and item.relation is not None:
            width = 1.4 + min(5.0, len(str(crowds[item.parent][item.relation].count)) * 1.1)
        elif edge is not None:
            kind += " bad" if edge.conflict else ""
            kind += " seen" if edge.evidence == (Evidence.WEIGHTS,) else ""
        yield _curve(place[item.parent], item, kind, width)
    for edge in scene.overlays:
        yield _curve(place[edge.base_model], place[edge.model], "line also", 1.2)


def _curve(start: Item, end: Item, kind: str, width: float) -> str:
    (x1, y1), (x2, y2) = _at(start), _at(end)
    x1, y1, y2 = x1 + WIDTH, y1 + HEIGHT / 2, y2 + HEIGHT / 2
    bend = x1 + max(24, (x2 - x1) / 2)
    back = x2 - max(24, (x2 - x1) / 2)
    return (
        f'<path class="{kind}" stroke-width="{width:g}" d="M{x1},{y1:g}C{bend:g},{y1:g} {back:g},{y2:g} {x2},{y2:g}"/>'
    )


def _card(item: Item, model: ModelRecord, edge: DerivationRecord | None, hidden: int, *, focus: bool) -> Iterator[str]:
    x, y = _at(item)
    colour = _COLOURED.get(item.relation, "q") if item.relation else "o"
    kind = "card" + (" missing" if model.state is State.MISSING else "") + (" focus" if focus else "")
    kind += " clash" if edge is not None and edge.conflict else ""
    word = WORDS[item.relation][0] if item.relation else "origin" if not model.base_models else "base not drawn"
    clash = edge is not None and edge.conflict
    facts = [word, *([f"{model.created_at:%Y-%m}"] if model.created_at and not clash else [])]
    facts += [f"↓{short(model.downloads)}"] if model.downloads is not None else []
    facts += ["never seen itself"] if model.state is State.MISSING else []
    facts += ["gone"] if model.state is State.GONE else []
    yield f'<g transform="translate({x},{y:g})"><rect class="{kind}" width="{WIDTH}" height="{HEIGHT}" rx="4"/>'
    yield f'<rect class="{colour}" width="4" height="{HEIGHT}" rx="2"/>'
    yield _ring(model)
    yield f'<text class="name" x="32" y="13.5">{clean(model.id, fitting(model.id, NAME_WIDTH, NAME_SIZE))}</text>'
    note = '<tspan class="warn"> · claims disagree</tspan>' if clash else ""
    yield f'<text class="sub" x="32" y="25.5">{clean(" · ".join(facts), 60)}{note}</text>'
    if hidden:
        text = f"+{short(hidden)}"
        wide = 12 + 6.5 * len(text)
        yield f'<rect class="{colour}" x="{WIDTH + 4}" y="7" width="{wide:g}" height="17" rx="8.5"/>'
        yield f'<text class="pill" x="{WIDTH + 4 + wide / 2:g}" y="19.2" text-anchor="middle">{text}</text>'
    yield "</g>"


def _ring(model: ModelRecord) -> str:
    """Novelty as a part of a circle; nothing in it where it is not known."""
    around = 2 * 3.14159 * 7
    ring = '<circle class="ring" cx="18" cy="15.5" r="7" stroke-width="3"/>'
    if not model.novelty:
        return ring
    part = around * model.novelty / 100
    return ring + (
        f'<circle class="new" cx="18" cy="15.5" r="7" stroke-width="3" stroke-dasharray="{part:.1f} {around:.1f}" '
        'transform="rotate(-90 18 15.5)"/>'
    )


def _crowd(item: Item, crowds: Mapping[str, Mapping[Relation, Crowd]], *, named: bool) -> Iterator[str]:
    if item.parent is None or item.relation is None:
        return
    crowd, (x, y) = crowds[item.parent][item.relation], _at(item)
    colour = _COLOURED.get(item.relation, "q")
    one, many = WORDS[item.relation]
    more = "more " if named else ""
    yield f'<g transform="translate({x},{y:g})"><rect class="card" x="5" y="5" width="{WIDTH}" height="{HEIGHT}" rx="4"/>'
    yield f'<rect class="crowd" width="{WIDTH}" height="{HEIGHT}" rx="4"/>'
    yield f'<rect class="{colour}" width="4" height="{HEIGHT}" rx="2"/>'
    yield f'<text class="name bold" x="14" y="13.5">{crowd.count:,} {more}{one if crowd.count == 1 else many}</text>'
    notes = [f'<tspan class="warn"> · {_several(crowd.conflicts, "conflict")}</tspan>'] if crowd.conflicts else []
    notes += [f"<tspan> · {crowd.inferred:,} by weights</tspan>"] if crowd.inferred else []
    yield f'<text class="sub" x="14" y="25.5">↓{short(crowd.downloads)} together{"".join(notes)}</text>'
    highest = max(crowd.histogram, default=0)
    for at, bar in enumerate(crowd.histogram):
        if bar:
            tall = max(1.0, 20 * bar / highest)
            yield f'<rect class="{colour}" x="{WIDTH - 72 + at * 5.5:g}" y="{HEIGHT - 5 - tall:g}" width="4.3" height="{tall:g}"/>'
    yield "</g>"


def _legend(y: int) -> str:
    marks, x = [], LEFT
    for kind, words in (
        ("line", "declared"),
        ("line seen", "by weights"),
        ("line bad", "claims disagree"),
        ("line also", "further parent"),
    ):
        marks.append(
            f'<path class="{kind}" stroke-width="1.6" d="M{x},{y - 4}h24"/><text class="sub" x="{x + 30}" y="{y}">{words}</text>'
        )
        x += 44 + 6 * len(words)
    marks.append(f'<circle class="new" cx="{x + 7}" cy="{y - 4}" r="5" stroke-width="3" stroke-dasharray="20 40"/>')
    marks.append(f'<text class="sub" x="{x + 18}" y="{y}">novelty</text>')
    return "".join(marks)
