/** This file knows the search: one box, results as you type. */
import { modelAddress } from "../../addresses";
import { useAnswer } from "../../ask";
import { Search } from "../../operations";
import { go, usePlace, withQuery } from "../../place";
import { count, several, short } from "../../words";

export default function SearchView() {
  const { query } = usePlace();
  const text = query.get("q") ?? "";
  const { data, error } = useAnswer(Search, { filter: text ? { text } : null, orderBy: "DOWNLOADS", first: 50 });
  return (
    <>
      <h1 class="unseen">Search the catalogue</h1>
      <label class="box">
        <span class="unseen">Part of a model's name</span>
        <input
          type="search"
          value={text}
          placeholder="Part of a model's name"
          onInput={(event) => go(withQuery({ q: event.currentTarget.value || null }), { replace: true })}
        />
      </label>
      {error && (
        <p role="alert" class="notice">
          {error.message}
        </p>
      )}
      {data && (
        <>
          <p role="status">{several(data.models.totalCount, "model")}</p>
          <ol class="results">
            {data.models.nodes.map((model) => (
              <li key={model.id}>
                <a href={modelAddress(model.id)}>{model.id}</a> {model.downloads !== null && short(model.downloads)}{" "}
                {count(model.totalDescendants)}
              </li>
            ))}
          </ol>
        </>
      )}
    </>
  );
}
