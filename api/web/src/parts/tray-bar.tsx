/** This file knows the bar that shows which models are put aside to compare. */
import { compareAddress } from "../addresses";
import { clear, toggle, tray } from "../tray";

export function TrayBar() {
  const ids = tray.use();
  if (ids.length === 0) return null;
  return (
    <aside class="tray" aria-label="Models to compare">
      <ul>
        {ids.map((id) => (
          <li key={id}>
            {id}{" "}
            <button type="button" class="plain" aria-label={`Do not compare ${id}`} onClick={() => toggle(id)}>
              ×
            </button>
          </li>
        ))}
      </ul>
      {ids.length > 1 ? (
        <a class="button" href={compareAddress(ids)}>
          Compare {ids.length} models
        </a>
      ) : (
        <span class="quiet">choose another to compare with</span>
      )}
      <button type="button" onClick={clear}>
        Clear
      </button>
    </aside>
  );
}
