/** This file knows the map's search: what has the text in its name stays lit, and one of the models may be flown to. */
import { useId, useState } from "preact/hooks";
import { useAnswer } from "../../ask";
import { OnMap, type Pin } from "../../operations";
import { go, withQuery } from "../../place";
import { short } from "../../words";

export function Seek({ text, chosen }: { text: string; chosen(model: Pin): void }) {
  const list = useId();
  const [at, setAt] = useState(0);
  const [open, setOpen] = useState(false);
  const { data } = useAnswer(OnMap, text.length >= 2 ? { text } : null);
  const offered = open && text.length >= 2 ? (data?.models.nodes ?? []) : [];
  const choose = (model: Pin | undefined) => {
    if (!model) return;
    setOpen(false);
    chosen(model);
  };
  return (
    <div class="finder">
      <label>
        <span class="unseen">Find a model on the map</span>
        <input
          type="text"
          role="combobox"
          placeholder="Find a model"
          aria-expanded={offered.length > 0}
          aria-controls={list}
          aria-activedescendant={offered[at] ? `${list}-${at}` : undefined}
          value={text}
          onInput={(event) => {
            setAt(0);
            setOpen(true);
            go(withQuery({ q: event.currentTarget.value || null }), { replace: true });
          }}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown") setAt(Math.min(offered.length - 1, at + 1));
            else if (event.key === "ArrowUp") setAt(Math.max(0, at - 1));
            else if (event.key === "Enter") choose(offered[at]);
            else if (event.key === "Escape") {
              setOpen(false);
              go(withQuery({ q: null }), { replace: true });
            } else return;
            event.preventDefault();
          }}
        />
      </label>
      <div id={list} role="listbox" aria-label="Models found" hidden={offered.length === 0}>
        {offered.map((model, place) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the box above hears the keys
          <div
            key={model.id}
            id={`${list}-${place}`}
            role="option"
            tabIndex={-1}
            aria-selected={place === at}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => choose(model)}
          >
            {model.id} <span class="quiet small">{model.downloads !== null && `↓${short(model.downloads)}`}</span>
          </div>
        ))}
      </div>
    </div>
  );
}
