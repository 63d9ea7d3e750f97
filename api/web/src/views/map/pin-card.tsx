/** This file knows the card of one point of the map. */
import { lineageAddress, modelAddress } from "../../addresses";
import type { Pin } from "../../operations";
import { day, several, short } from "../../words";
import type { Screen } from "./camera";

interface Props {
  model: Pin;
  /** Beside the pointer; without it in a corner, with links. */
  at?: { x: number; y: number };
  screen?: Screen;
  close?(): void;
}

export function PinCard({ model, at, screen, close }: Props) {
  const facts = [
    model.task,
    model.licence,
    model.downloads !== null && `${short(model.downloads)} downloads`,
    model.createdAt && `made ${day(model.createdAt)}`,
    several(model.totalDescendants, "descendant"),
  ].filter(Boolean);
  const place =
    at && screen
      ? {
          left: `${at.x > screen.width - 300 ? at.x - 290 : at.x + 14}px`,
          top: `${at.y > screen.height - 120 ? at.y - 90 : at.y + 12}px`,
        }
      : undefined;
  return (
    <div
      class={`pin${at ? " passing" : ""}`}
      style={place}
      {...{ role: at ? "tooltip" : "region", "aria-label": `About ${model.id}` }}
    >
      <strong>{model.id}</strong>
      <span>{facts.join(" · ")}</span>
      {!at && (
        <span class="actions">
          <a href={modelAddress(model.id)}>Its page</a> <a href={lineageAddress(model.id)}>Lineage</a>{" "}
          <button type="button" class="plain" onClick={close}>
            Close
          </button>
        </span>
      )}
    </div>
  );
}
