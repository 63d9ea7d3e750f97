/** This file knows the page of one model: what it is, what it was made from, what was made from it, and whether one may use it. */
import { useEffect } from "preact/hooks";
import { lineageAddress, modelAddress } from "../../addresses";
import { useAnswer } from "../../ask";
import { Ancestry, ModelPage, type ModelPageAnswer } from "../../operations";
import { Copy } from "../../parts/copy";
import { Failure } from "../../parts/failure";
import { Section } from "../../parts/section";
import { State } from "../../parts/state";
import { go } from "../../place";
import { toggle, tray } from "../../tray";
import type { ViewProps } from "../../views";
import { count, day, evidence, several, short } from "../../words";
import { AbilityOf } from "./ability";
import { Alike } from "./alike";
import { Answers } from "./answers";
import { Bases } from "./bases";
import { BesideIt, useSiblings } from "./beside";
import { DerivedModels } from "./derived";
import { Facts } from "./facts";
import { Getting } from "./getting";
import { LicenceLine } from "./licence-line";
import { NoveltyOf } from "./novelty";
import { sentence } from "./sentence";
import { StandingOf, SupersededBy } from "./standing";

type Model = NonNullable<ModelPageAnswer["model"]>;

export default function ModelView({ id }: ViewProps) {
  const { data, error, loading, again } = useAnswer(ModelPage, { id });
  const model = data?.model ?? null;
  useEffect(() => {
    // an old name, another spelling or the Hub's id leads to the model's own address
    if (model && !loading && model.id !== id) go(modelAddress(model.id), { replace: true });
  }, [model, loading, id]);
  if (error) return <Failure error={error} again={again} />;
  if (loading || !data) return <p class="quiet">Loading {id} …</p>;
  if (!model) return <Unknown id={id} />;
  return (
    <article key={model.id}>
      <Title model={model} />
      <Found model={model} />
    </article>
  );
}

function Found({ model }: { model: Model }) {
  const siblings = useSiblings(model);
  const ancestry = useAnswer(Ancestry, { id: model.id });
  return (
    <>
      <Answers model={model} siblings={siblings} ancestry={ancestry.data} />
      <div class="sides">
        <div>
          <Bases model={model} />
          <NoveltyOf told={model.novelty} />
          <LicenceLine id={model.id} answered={ancestry} />
          <AbilityOf model={model} />
          <StandingOf model={model} />
          <Copies model={model} />
          <Alike similar={model.similar} />
          <DerivedModels model={model} />
          <BesideIt model={model} siblings={siblings} />
          <Datasets model={model} />
        </div>
        <div>
          <Getting model={model} />
          <Facts model={model} />
        </div>
      </div>
    </>
  );
}

function Title({ model }: { model: Model }) {
  const aside = tray.use().includes(model.id);
  return (
    <header>
      <h1>
        {model.id} <State name={model.state} />
      </h1>
      <p class="sentence">{sentence(model)}</p>
      <SupersededBy model={model} />
      {model.newVersion && (
        <p>
          Its author names a successor: <a href={modelAddress(model.newVersion)}>{model.newVersion}</a>.
        </p>
      )}
      <div class="actions">
        <a class="button" href={lineageAddress(model.id)}>
          Lineage
        </a>
        <button type="button" aria-pressed={aside} onClick={() => toggle(model.id)}>
          {aside ? "Put aside to compare" : "Compare"}
        </button>
        <Copy text={model.id} words="Copy the name" />
        {model.state !== "MISSING" && (
          <a href={`https://huggingface.co/${model.id}`} rel="noreferrer" target="_blank">
            On the Hub
          </a>
        )}
      </div>
    </header>
  );
}

function Copies({ model }: { model: Model }) {
  const { copies } = model;
  if (copies === null) return null;
  return (
    <Section id="copies" title="Copies">
      {copies.totalCount === 0 ? (
        <p>No other model of the catalogue has the same weight files.</p>
      ) : (
        <>
          <p>{several(copies.totalCount, "other model has", "other models have")} exactly the same weight files:</p>
          <ul class="plain-list">
            {copies.nodes.map((copy) => (
              <li key={copy.id}>
                <a class="id" href={modelAddress(copy.id)}>
                  {copy.id}
                </a>{" "}
                <span class="quiet">
                  {[
                    copy.createdAt && day(copy.createdAt),
                    copy.downloads !== null && `${short(copy.downloads)} downloads`,
                  ]
                    .filter(Boolean)
                    .join(", ")}
                </span>
              </li>
            ))}
          </ul>
          {copies.totalCount > copies.nodes.length && (
            <p class="quiet small">{count(copies.totalCount - copies.nodes.length)} more are not shown.</p>
          )}
        </>
      )}
    </Section>
  );
}

function Datasets({ model }: { model: Model }) {
  if (model.datasets.length === 0) return null;
  return (
    <Section id="datasets" title="Datasets that it says it was trained on">
      <ul class="plain-list">
        {model.datasets.flatMap(({ dataset, evidence: by }) =>
          dataset
            ? [
                <li key={dataset.id}>
                  {dataset.id}{" "}
                  <span class="quiet">
                    {[dataset.licence, `named by ${by.map(evidence).join(" and ")}`].filter(Boolean).join("; ")}
                  </span>
                </li>,
              ]
            : [],
        )}
      </ul>
    </Section>
  );
}

function Unknown({ id }: { id: string }) {
  return (
    <div class="notice">
      <h1>No model has this name</h1>
      <p>
        The catalogue knows no <code>{id}</code>, under any spelling or former name.{" "}
        <a href={`/?${new URLSearchParams([["q", id.split("/").at(-1) ?? id]])}`}>Search for it</a>.
      </p>
    </div>
  );
}
