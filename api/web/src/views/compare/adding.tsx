/** This file knows the box that adds a model to the comparison, with names as you type. */
import { useState } from "preact/hooks";
import { compareAddress } from "../../addresses";
import { useAnswer } from "../../ask";
import { Names } from "../../operations";
import { go } from "../../place";

export function Adding({ ids }: { ids: readonly string[] }) {
  const [text, setText] = useState("");
  const { data } = useAnswer(Names, text.trim().length > 1 ? { text: text.trim() } : null);
  const names = data?.models.nodes.map(({ id }) => id).filter((id) => !ids.includes(id)) ?? [];
  const add = (id: string) => {
    setText("");
    go(compareAddress([...ids, id]));
  };
  return (
    <form
      class="adding"
      onSubmit={(event) => {
        event.preventDefault();
        const [first] = names;
        if (text) add(names.find((id) => id.toLowerCase() === text.trim().toLowerCase()) ?? first ?? text.trim());
      }}
    >
      <label>
        Add a model{" "}
        <input
          type="search"
          list="names"
          value={text}
          maxLength={200}
          autocomplete="off"
          spellcheck={false}
          placeholder="Part of its name"
          onInput={(event) => {
            const value = event.currentTarget.value;
            if (names.includes(value))
              add(value); // chosen from the list
            else setText(value);
          }}
        />
      </label>
      <datalist id="names">
        {names.map((id) => (
          <option key={id} value={id} />
        ))}
      </datalist>
      <button type="submit" disabled={text.trim() === ""}>
        Add
      </button>
    </form>
  );
}
