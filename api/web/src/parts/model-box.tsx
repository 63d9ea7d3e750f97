/** This file knows the box that finds a model as its name is typed: first among those at hand, then in the catalogue. */
import { useId, useState } from "preact/hooks";
import { useAnswer } from "../ask";
import { Named } from "../operations";
import { short } from "../words";

const SHORTEST = 2; // characters that are looked for
const LONGEST = 200; // as the service takes them
const OFFERED = 8; // of those at hand, and of the catalogue

/** Those that have a text in their name; none while the text is too short. */
export function having(text: string, ids: readonly string[]): string[] {
  const part = text.trim().toLowerCase();
  return part.length < SHORTEST ? [] : ids.filter((id) => id.toLowerCase().includes(part));
}

interface Props {
  label: string;
  placeholder: string;
  text: string;
  typed(text: string): void;
  chosen(id: string): void;
  /** Models that are offered before all others, and what is said of them. */
  near?: { ids: readonly string[]; words: string };
  /** Models that are not offered. */
  without?: readonly string[];
}

export function ModelBox({ label, placeholder, text, typed, chosen, near, without = [] }: Props) {
  const list = useId();
  const [at, setAt] = useState(0);
  const [open, setOpen] = useState(false);
  const part = text.trim();
  const { data } = useAnswer(Named, part.length < SHORTEST ? null : { text: part, first: OFFERED });
  const here = having(text, near?.ids ?? []);
  const nodes = new Map(data?.models.nodes.map((node) => [node.id, node.downloads]));
  // the answer may still be that to the text before
  const there = having(text, [...nodes.keys()]).filter((id) => !here.includes(id) && !without.includes(id));
  const offered = open ? [...here.slice(0, OFFERED), ...there] : [];
  const note = (id: string): string => {
    const downloads = nodes.get(id) ?? null;
    return here.includes(id) ? (near?.words ?? "") : downloads === null ? "" : `↓${short(downloads)}`;
  };
  const choose = (id: string | undefined) => {
    if (id === undefined) return;
    setOpen(false);
    chosen(id);
  };
  return (
    <div class="model-box">
      <label>
        <span class="unseen">{label}</span>
        <input
          type="text"
          role="combobox"
          placeholder={placeholder}
          aria-expanded={offered.length > 0}
          aria-controls={list}
          aria-activedescendant={offered[at] ? `${list}-${at}` : undefined}
          value={text}
          maxLength={LONGEST}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => {
            setAt(0);
            setOpen(true);
            typed(event.currentTarget.value);
          }}
          onBlur={() => setOpen(false)}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown") setAt(Math.min(offered.length - 1, at + 1));
            else if (event.key === "ArrowUp") setAt(Math.max(0, at - 1));
            else if (event.key === "Enter") choose(offered[at]);
            else if (event.key === "Escape") {
              setOpen(false);
              typed("");
            } else return;
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
            {id} <span class="quiet small">{note(id)}</span>
          </div>
        ))}
      </div>
    </div>
  );
}
