/** This file knows how a model is looked for: first in the picture, then in the catalogue; one of these may be led to. */
import { useEffect, useId, useState } from "preact/hooks";
import { useAnswer } from "../../ask";
import { Named } from "../../operations";

const SUGGESTED = 6;
const WAIT = 120; // ms after the last key

interface Props {
  ids: readonly string[];
  marked(found: ReadonlySet<string>): void;
  chosen(id: string): void;
}

export function Finder({ ids, marked, chosen }: Props) {
  const [text, setText] = useState("");
  const [asked, setAsked] = useState("");
  const [at, setAt] = useState(-1);
  const list = useId();
  const { data } = useAnswer(Named, asked.length >= 2 ? { text: asked, first: SUGGESTED } : null);
  useEffect(() => {
    const later = setTimeout(() => setAsked(text.trim()), WAIT);
    return () => clearTimeout(later);
  }, [text]);
  const part = text.trim().toLowerCase();
  const here = part.length < 2 ? [] : ids.filter((id) => id.toLowerCase().includes(part));
  const there =
    part.length < 2 ? [] : (data?.models.nodes ?? []).map((node) => node.id).filter((id) => !here.includes(id));
  const offered = [...here.slice(0, SUGGESTED), ...there];
  const close = () => {
    setText("");
    setAt(-1);
    marked(new Set());
  };
  const choose = (id: string | undefined) => {
    if (id === undefined) return;
    close();
    chosen(id);
  };
  return (
    <div class="finder">
      <label>
        <span class="unseen">Find a model in this lineage</span>
        <input
          type="text"
          placeholder="Find a model"
          role="combobox"
          aria-expanded={offered.length > 0}
          aria-controls={list}
          aria-activedescendant={at >= 0 && offered[at] ? `${list}-${at}` : undefined}
          value={text}
          onInput={(event) => {
            const now = event.currentTarget.value;
            setText(now);
            setAt(-1);
            const wanted = now.trim().toLowerCase();
            marked(new Set(wanted.length < 2 ? [] : ids.filter((id) => id.toLowerCase().includes(wanted))));
          }}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown") setAt(Math.min(offered.length - 1, at + 1));
            else if (event.key === "ArrowUp") setAt(Math.max(-1, at - 1));
            else if (event.key === "Enter") choose(offered[Math.max(0, at)]);
            else if (event.key === "Escape") close();
            else return;
            event.preventDefault();
          }}
        />
      </label>
      <div id={list} role="listbox" aria-label="Models found" hidden={offered.length === 0}>
        {offered.map((id, place) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the box above hears the keys
          <div
            key={id}
            id={`${list}-${place}`}
            role="option"
            tabIndex={-1}
            aria-selected={place === at}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => choose(id)}
          >
            {id} <span class="quiet small">{place < Math.min(here.length, SUGGESTED) ? "in the picture" : ""}</span>
          </div>
        ))}
      </div>
    </div>
  );
}
