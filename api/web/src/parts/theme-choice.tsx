/** This file knows the switch between light and dark. */
import { chooseTheme, theme } from "../theme";

const CHOICES = [
  ["auto", "Auto"],
  ["light", "Light"],
  ["dark", "Dark"],
] as const;

export function ThemeChoice() {
  const now = theme.use();
  return (
    <label>
      <span class="unseen">Colours</span>
      <select
        value={now}
        onChange={(event) => {
          const wanted = CHOICES.find(([value]) => value === event.currentTarget.value);
          if (wanted) chooseTheme(wanted[0]);
        }}
      >
        {CHOICES.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}
