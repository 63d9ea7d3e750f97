"""This file knows what tensors are called: whatever library wrote a name, it becomes a role.

A role is the layer's number, with a letter in stacks beside the first ("d" of a decoder, "v" of a vision tower, "a" of an audio
tower, "m" of layers that foretell more words), and the part's word: ``3.attention.query``, ``0d.cross.key``, ``7.expert.2.up``.
What no rule knows is looked up in ggml's tables, and else keeps its own name, without what wrapped the whole. Sources of the
rules: the transformers library's module names, and ggml's tensor names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ingest.weights.ggml_names import ggml_name

_LAYER = re.compile(r"^((?:.*?\.)?)(?:layers?|h|blk|blocks?|resblocks)\.(\d+)\.(.+)$")
_WRAPPERS = re.compile(r"^((base_model|model|module|_orig_mod)\.)+")
_STACKS = tuple(
    (re.compile(pattern), letter)
    for pattern, letter in (
        (r"vision|visual|image|(^|\.)v\.", "v"),
        (r"audio|speech|(^|\.)a\.", "a"),
        (r"(^|\.)mtp\.", "m"),
        (r"(^|[._])dec(oder)?\.", "d"),
    )
)
_ATTENTION = r"(self_attn|attn|attention|self_attention)"
_MLP = r"(mlp|ffn|feed_forward)"
_PARTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), role)
    for pattern, role in (
        (
            rf"{_ATTENTION}\.((self|attention)\.)?(q_proj|query|wq|q_lin)|(layer\.\d+\.)?SelfAttention\.q",
            "attention.query",
        ),
        (rf"{_ATTENTION}\.((self|attention)\.)?(k_proj|key|wk|k_lin)|(layer\.\d+\.)?SelfAttention\.k", "attention.key"),
        (
            rf"{_ATTENTION}\.((self|attention)\.)?(v_proj|value|wv|v_lin)|(layer\.\d+\.)?SelfAttention\.v",
            "attention.value",
        ),
        (rf"{_ATTENTION}\.(o_proj|out_proj|output\.dense|wo|out_lin|dense)", "attention.out"),
        (r"(layer\.\d+\.)?SelfAttention\.o", "attention.out"),
        (r"(encoder_attn|cross_attn)\.q_proj|crossattention\.self\.query|cross_attn_q", "cross.query"),
        (r"(encoder_attn|cross_attn)\.k_proj|crossattention\.self\.key|cross_attn_k", "cross.key"),
        (r"(encoder_attn|cross_attn)\.v_proj|crossattention\.self\.value|cross_attn_v", "cross.value"),
        (r"(encoder_attn|cross_attn)\.o(ut)?_proj|crossattention\.output\.dense|cross_attn_o(utput)?", "cross.out"),
        (r"(layer\.\d+\.)?EncDecAttention\.q", "cross.query"),
        (r"(layer\.\d+\.)?EncDecAttention\.k", "cross.key"),
        (r"(layer\.\d+\.)?EncDecAttention\.v", "cross.value"),
        (r"(layer\.\d+\.)?EncDecAttention\.o", "cross.out"),
        (
            rf"attn\.(c_attn|Wqkv)|{_ATTENTION}\.(qkv(_proj)?|W_pack|query_key_value|wqkv)|attn_qkv",
            "attention.qkv",
        ),
        (r"attn\.(c_proj|proj)", "attention.out"),
        (r"attn_q", "attention.query"),
        (r"attn_k", "attention.key"),
        (r"attn_v", "attention.value"),
        (r"attn_o(utput)?", "attention.out"),
        (r"mlp\.gate_up_proj", "mlp.gate_up"),
        (rf"{_MLP}\.(gate_proj|w1)|ffn_gate|(layer\.\d+\.)?DenseReluDense\.wi_0", "mlp.gate"),
        (rf"{_MLP}\.(up_proj|w3)|ffn_up|(layer\.\d+\.)?DenseReluDense\.wi(_1)?", "mlp.up"),
        (rf"{_MLP}\.(down_proj|w2|c_proj|dense_4h_to_h)|ffn_down|(mlp\.)?fc2|ffn\.lin2|output\.dense", "mlp.down"),
        (r"(layer\.\d+\.)?DenseReluDense\.wo", "mlp.down"),
        (r"mlp\.(c_fc|dense_h_to_4h)|(mlp\.)?fc1|intermediate\.dense|ffn\.lin1", "mlp.up"),
        (r"(block_sparse_moe|mlp)\.(gate|router)|feed_forward\.router|ffn_gate_inp", "router"),
        (r"(mlp\.)?shared_expert_gate|ffn_gate_inp_shexp", "shared.router"),
        (rf"{_MLP}\.shared_experts?\.gate_proj|ffn_gate_shexp", "shared.gate"),
        (rf"{_MLP}\.shared_experts?\.up_proj|ffn_up_shexp", "shared.up"),
        (rf"{_MLP}\.shared_experts?\.down_proj|ffn_down_shexp", "shared.down"),
        (rf"(block_sparse_moe|{_MLP})\.experts\.gate_up_proj", "experts.gate_up"),
        (r"ffn_gate_exps", "experts.gate"),
        (r"ffn_up_exps", "experts.up"),
        (rf"(block_sparse_moe|{_MLP})\.experts\.down_proj|ffn_down_exps", "experts.down"),
        (r"input_layernorm|ln_1|attn_norm|attention_norm", "norm.attention"),
        (r"post_attention_layernorm|pre_feedforward_layernorm|ln_2|ffn_norm", "norm.mlp"),
        (r"attention\.output\.LayerNorm|attn_output_norm", "norm.attention"),
        (r"output\.LayerNorm|layer_output_norm", "norm.mlp"),
    )
)
_EXPERT = re.compile(rf"(?:block_sparse_moe|{_MLP})\.experts\.(?P<number>\d+)\.(?P<part>\w+)")
_GGML_EXPERT = re.compile(r"ffn_(?P<part>gate|up|down)\.(?P<number>\d+)")
_EXPERTS = {"gate_proj": "gate", "w1": "gate", "up_proj": "up", "w3": "up", "down_proj": "down", "w2": "down"}
_EXPERTS |= {part: part for part in ("gate", "up", "down")}
_TOP: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), role)
    for pattern, role in (
        (
            r"(^|\.)(embed_tokens|wte|word_embeddings|token_embd|tok_embeddings|embed_in)$|^shared$",
            "embedding",
        ),
        (r"(^|\.)(lm_head|embed_out)$|^output$", "head"),
        (r"(^|\.)(norm|ln_f|final_layer_?norm|output_norm)$", "norm"),
        (r"(^|\.)(wpe|position_embeddings|position_embd|embed_positions)$", "positions"),
        (r"(^|\.)(token_type_embeddings|token_types)$", "token_types"),
        (r"(^|\.)embeddings\.LayerNorm$|^token_embd_norm$", "norm.embedding"),
    )
)


@dataclass(frozen=True, slots=True)
class Block:
    """Matrices between which neurons or heads lie: ``wide`` have a row for each of a neuron's or a head's values, ``narrow`` a
    column. ``heads``: whether they are heads, of which all three are wide; else neurons, whose gate may be absent.
    """

    wide: tuple[str, ...]
    narrow: str
    heads: bool


def blocks_of(roles: Iterable[str]) -> list[Block]:
    """The blocks of layers, experts each, that have these roles, by name. Not all of ``wide`` need be there."""
    found: list[Block] = []
    for role in sorted(roles):
        stem, _, word = role.rpartition(".")
        if is_layer(role) and word == "down":
            found.append(Block((f"{stem}.gate", f"{stem}.up"), role, heads=False))
        elif is_layer(role) and word == "out":
            found.append(Block((f"{stem}.query", f"{stem}.key", f"{stem}.value"), role, heads=True))
    return found


def is_layer(role: str) -> bool:
    """Whether a role is a part of a layer. A tensor called only "weight" has the role ""."""
    return role[:1].isdigit()


def role_of(name: str) -> str:
    """The role of a tensor's name."""
    stem, _, kind = name.rpartition(".")
    if kind not in ("weight", "bias"):
        stem, kind = name, ""
    stem = _WRAPPERS.sub("", stem)
    ending = "" if kind in ("weight", "") else f".{kind}"
    role = _role(stem)
    known = None if role else ggml_name(stem) or ggml_name(f"model.{stem}")
    if known is not None:
        role = _role(known) or (_own(known) if _LAYER.match(known) else None)
    return (role or _own(stem)) + ending


def _own(stem: str) -> str:
    """The role of what no rule knows: its own name, in a layer that of the layer's part."""
    layer = _LAYER.match(stem)
    return f"{_layer(layer)}.{layer[3]}" if layer else stem


def _layer(name: re.Match[str]) -> str:
    stack = next((letter for pattern, letter in _STACKS if pattern.search(name[1])), "")
    return f"{name[2]}{stack}"


def _role(stem: str) -> str | None:
    """The role of a name without its ending; None where no rule knows it."""
    layer = _LAYER.match(stem)
    if layer:
        part = _part(layer[3])
        return part and f"{_layer(layer)}.{part}"
    return next((role for pattern, role in _TOP if pattern.search(stem)), None)


def _part(rest: str) -> str | None:
    """The word of a layer's part; None where no rule knows it."""
    for pattern, role in _PARTS:
        if pattern.fullmatch(rest):
            return role
    expert = _EXPERT.fullmatch(rest) or _GGML_EXPERT.fullmatch(rest)
    if expert and expert["part"] in _EXPERTS:
        return f"expert.{expert['number']}.{_EXPERTS[expert['part']]}"
    return None
