/** This file knows how a model is got: the command that fetches exactly the commit that these facts are of. */
import type { ModelPageAnswer } from "../../operations";
import { Copy } from "../../parts/copy";
import { Section } from "../../parts/section";
import { bytes, several } from "../../words";

const PLAIN = /^[\w./-]+$/;

export function Getting({ model }: { model: NonNullable<ModelPageAnswer["model"]> }) {
  if (model.state === "MISSING" || model.state === "GONE" || !PLAIN.test(model.id)) return null;
  const command = `hf download ${model.id}${model.sha ? ` --revision ${model.sha}` : ""}`;
  const sizes = model.files.map(({ size }) => size);
  const whole = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  return (
    <Section id="get" title="How to get it">
      <pre class="command">{command}</pre>
      <Copy text={command} words="Copy the command" />
      {model.gated && (
        <p class="small">Its files need consent on the Hub first{model.gated === "manual" && ", given by hand"}.</p>
      )}
      {sizes.length > 0 && (
        <p class="small quiet">
          {several(sizes.length, "file")}, {bytes(whole)}
          {sizes.includes(null) && " and some of unknown size"}.
        </p>
      )}
    </Section>
  );
}
