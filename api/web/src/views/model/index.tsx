/** This file knows the page of one model. */
import { useAnswer } from "../../ask";
import { ModelPage } from "../../operations";
import type { ViewProps } from "../../views";

export default function ModelView({ id }: ViewProps) {
  const { data, error } = useAnswer(ModelPage, { id });
  if (error)
    return (
      <p role="alert" class="notice">
        {error.message}
      </p>
    );
  if (!data) return <p class="quiet">Loading …</p>;
  if (!data.model) return <p class="notice">No model has this name: {id}</p>;
  return (
    <article>
      <h1>{data.model.id}</h1>
      <p>{[data.model.task, data.model.licence].filter(Boolean).join(" · ")}</p>
    </article>
  );
}
