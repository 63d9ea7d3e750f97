/** This file knows the comparison of two to five models: how they are related, and fact by fact where they differ. */
import { useEffect, useState } from "preact/hooks";
import { compareAddress, modelAddress } from "../../addresses";
import { useAnswer, useAnswers } from "../../ask";
import { Common, Compare, Ways } from "../../operations";
import { Failure } from "../../parts/failure";
import { ModelBox } from "../../parts/model-box";
import { Section } from "../../parts/section";
import { go, usePlace } from "../../place";
import { MOST } from "../../tray";
import { several } from "../../words";
import { factsOf } from "./rows";

export default function CompareView() {
  const { query } = usePlace();
  const ids = [...new Set(query.getAll("id"))].slice(0, MOST);
  const { data, error, loading, again } = useAnswers(
    Compare,
    ids.map((id) => ({ id })),
  );
  const [differing, setDiffering] = useState(false);
  const [text, setText] = useState("");
  const named = ids.map((id, place) => (loading ? id : (data?.[place]?.model?.id ?? id)));
  const own = named.every((id, place) => id === ids[place]) ? null : compareAddress(named);
  useEffect(() => {
    if (own !== null) go(own, { replace: true }); // an old name or another spelling leads to the model's own
  }, [own]);
  if (error) return <Failure error={error} again={again} />;
  const models = data?.flatMap(({ model }) => model ?? []).filter(({ id }) => ids.includes(id)) ?? [];
  const absent = data && data.length === ids.length ? ids.filter((_, place) => data[place]?.model === null) : [];
  const facts = factsOf(models);
  return (
    <>
      <h1>{models.length > 1 ? `${several(models.length, "model")} compared` : "Compare models"}</h1>
      {absent.length > 0 && (
        <p role="alert" class="notice">
          The catalogue knows no {absent.join(", ")}.
        </p>
      )}
      {ids.length < MOST && (
        <ModelBox
          label="Add a model"
          placeholder="Add a model"
          text={text}
          typed={setText}
          chosen={(id) => {
            setText("");
            go(compareAddress([...ids, id]));
          }}
          without={ids}
        />
      )}
      {models.length > 1 && <Relationship ids={models.map(({ id }) => id)} />}
      {models.length > 0 && (
        <Section id="facts" title="Facts">
          {models.length > 1 && (
            <label class="only">
              <input
                type="checkbox"
                checked={differing}
                onChange={(event) => setDiffering(event.currentTarget.checked)}
              />{" "}
              Only where they differ
            </label>
          )}
          <div class="wide">
            <table>
              <thead>
                <tr>
                  <td />
                  {models.map(({ id }) => (
                    <th key={id} scope="col">
                      <a class="id" href={modelAddress(id)}>
                        {id}
                      </a>{" "}
                      <a
                        class="away"
                        href={compareAddress(ids.filter((each) => each !== id))}
                        aria-label={`Without ${id}`}
                      >
                        ×
                      </a>
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {facts
                  .filter(({ differ }) => differ || !differing)
                  .map(({ words, values, differ }) => (
                    <tr key={words} class={differ && models.length > 1 ? "differ" : undefined}>
                      <th scope="row">
                        {words}
                        {differ && models.length > 1 && <span class="unseen"> (differs)</span>}
                      </th>
                      {values.map((value, place) => (
                        <td key={models[place]?.id}>{value ?? <span class="quiet">not known</span>}</td>
                      ))}
                    </tr>
                  ))}
              </tbody>
            </table>
          </div>
        </Section>
      )}
    </>
  );
}

/** Their nearest common ancestors, and the shortest way from the first to each other. */
function Relationship({ ids }: { ids: readonly string[] }) {
  const [first, ...others] = ids;
  const common = useAnswer(Common, { ids: [...ids] });
  const ways = useAnswers(
    Ways,
    others.map((to) => ({ from: first ?? "", to })),
  );
  if (common.error) return <Failure error={common.error} again={common.again} />;
  if (!common.data || !ways.data) return null;
  const found = ways.data.flatMap(({ paths }) => paths);
  return (
    <Section id="related" title="How they are related">
      <p>
        {common.data.commonAncestors.length === 0 ? (
          "They have no common ancestor in the catalogue."
        ) : (
          <>
            Nearest common ancestor:{" "}
            {common.data.commonAncestors.map((model, place) => (
              <span key={model.id}>
                {place > 0 && ", "}
                <a href={modelAddress(model.id)}>{model.id}</a>
                {model.licence && <span class="quiet"> ({model.licence})</span>}
              </span>
            ))}
          </>
        )}
      </p>
      {found.map(({ models, length }) => (
        <p key={models.map(({ id }) => id).join(" ")} class="way">
          <span class="quiet">{several(length, "derivation")} apart:</span>{" "}
          {models.map(({ id }, place) => (
            <span key={id}>
              {place > 0 && <span aria-hidden="true"> – </span>}
              <a href={modelAddress(id)}>{id}</a>
            </span>
          ))}
        </p>
      ))}
    </Section>
  );
}
