"""The model families that the matrix goes through: each one's configuration in small, tokenizer kind and template."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tokenizers import Tokenizer

from tests.support.families.tokenizers import byte_level, sentencepiece

_SIZES = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_position_embeddings": 512,
}
_ROPE = {"rope_type": "default", "rope_theta": 100_000.0}
_LONGROPE = {
    "rope_type": "longrope",
    "rope_theta": 10_000.0,
    "short_factor": [1.0] * 16,
    "long_factor": [2.0] * 16,
    "original_max_position_embeddings": 256,
}
_PARTIAL_LONGROPE = _LONGROPE | {
    "partial_rotary_factor": 0.75,
    "short_factor": [1.0] * 12,
    "long_factor": [2.0] * 12,
}
_VISION = {
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 56,
    "patch_size": 14,
}
_QWEN_VISION = {"depth": 2, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 64}
_GEMMA3 = _SIZES | {"head_dim": 32, "sliding_window": 64}
_QWEN3_5 = _SIZES | {
    "head_dim": 32,
    "linear_key_head_dim": 32,
    "linear_value_head_dim": 32,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 2,
    "layer_types": ["linear_attention", "linear_attention", "full_attention", "full_attention"],
}
_GEMMA3N = _GEMMA3 | {
    "intermediate_size": [96] * 4,
    "hidden_size_per_layer_input": 8,
    "vocab_size_per_layer_input": 1024,
    "num_kv_shared_layers": 0,
    "laurel_rank": 4,
    "activation_sparsity_pattern": [0.0] * 4,
    "layer_types": ["sliding_attention", "full_attention"] * 2,
}
LLAMA2 = (
    "{% if messages[0].role == 'system' %}{% set system = '<<SYS>>\n' + messages[0].content + '\n<</SYS>>\n\n' %}"
    "{% set turns = messages[1:] %}{% else %}{% set system = '' %}{% set turns = messages %}{% endif %}"
    "{% for m in turns %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if m.role == 'user' %}"
    "{{ bos_token + '[INST] ' + (system if loop.first else '') + m.content.strip() + ' [/INST]' }}"
    "{% else %}{{ ' ' + m.content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)
# the first template of Mistral: no header before an answer, and no system turn
MISTRAL = (
    "{{ bos_token }}{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if m.role == 'user' %}{{ '[INST] ' + m.content + ' [/INST]' }}"
    "{% else %}{{ ' ' + m.content + eos_token }}{% endif %}{% endfor %}"
)
PHI4_MINI = (
    "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}"
)
# as SmolLM3's: a date, a mode that the system prompt names, and an empty block where the mode is not to think
SMOLLM3 = (
    "{%- if enable_thinking is not defined -%}{%- set enable_thinking = true -%}{%- endif -%}"
    "{%- set mode = '/think' if enable_thinking else '/no_think' -%}"
    "{{- '<|im_start|>system\n## Metadata\n\nToday Date: ' + strftime_now('%d %B %Y') + '\nReasoning Mode: ' + mode -}}"
    "{%- if messages[0].role == 'system' -%}{{- '\n\n' + messages[0].content -}}{%- endif -%}{{- '<|im_end|>\n' -}}"
    "{%- for m in messages -%}{%- if m.role == 'assistant' -%}"
    "{{- '<|im_start|>assistant\n' + ('' if enable_thinking else '<think>\n\n</think>\n') + m.content.lstrip('\n') -}}"
    "{{- '<|im_end|>\n' -}}"
    "{%- elif m.role != 'system' -%}{{- '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' -}}{%- endif -%}"
    "{%- endfor -%}{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}"
    "{%- if not enable_thinking -%}{{- '<think>\n\n</think>\n' -}}{%- endif -%}{%- endif -%}"
)
_CHATML = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
_PHI = ["<|endoftext|>", "<|assistant|>", "<|system|>", "<|end|>", "<|user|>"]
_GEMMA = ["<start_of_turn>", "<end_of_turn>"]


@dataclass(frozen=True)
class Family:
    """One family: what its smallest checkpoint holds."""

    name: str  # as in the table
    model_type: str
    config: dict[str, Any]
    tokenizer: Callable[[], Tokenizer]
    eos: str
    stops: tuple[str, ...]  # of generation_config.json
    template: str | None = None  # jinja, or with .jinja the name of TRL's copy of the family's own; None for none
    bos: str | None = None
    tokenizer_class: str = "PreTrainedTokenizerFast"
    generation: dict[str, Any] = field(default_factory=dict)  # other entries of generation_config.json
    has_processor: bool = False
    cut_refused: str = ""  # why student.layers is refused
    traits: str = ""  # for the table

    @property
    def folder(self) -> str:
        """The name of its checkpoint's folder."""
        return self.name.lower().replace(" ", "-").replace("(", "").replace(")", "").replace(".", "_")


FAMILIES = (
    Family(
        "Llama 3.2",
        "llama",
        _SIZES | {"head_dim": 32, "rope_parameters": _ROPE, "tie_word_embeddings": True},
        lambda: byte_level(
            [
                "<|begin_of_text|>",
                "<|end_of_text|>",
                "<|eot_id|>",
                "<|eom_id|>",
                "<|start_header_id|>",
                "<|end_header_id|>",
            ],
            first="<|begin_of_text|>",
        ),
        eos="<|eot_id|>",
        stops=("<|end_of_text|>", "<|eom_id|>", "<|eot_id|>"),
        template="llama3_2.jinja",
        bos="<|begin_of_text|>",
        generation={"do_sample": True, "temperature": 0.6, "top_p": 0.9},
        traits="byte-level, three stop tokens, today's date in its template",
    ),
    Family(
        "Llama 2",
        "llama",
        _SIZES,
        lambda: sentencepiece([], first="<s>"),
        eos="</s>",
        stops=("</s>",),
        template=LLAMA2,
        bos="<s>",
        tokenizer_class="LlamaTokenizer",
        generation={"temperature": 0.9, "top_p": 0.6},
        traits="SentencePiece with a prefix space, no header before an answer, temperature without do_sample",
    ),
    Family(
        "Llama 2 base",
        "llama",
        _SIZES,
        lambda: sentencepiece([], first="<s>"),
        eos="</s>",
        stops=("</s>",),
        bos="<s>",
        tokenizer_class="LlamaTokenizer",
        traits="no chat template: `chat_template: minimal`",
    ),
    Family(
        "Mistral 7B v0.1",
        "mistral",
        _SIZES | {"head_dim": 32, "sliding_window": 128},
        lambda: sentencepiece([], first="<s>"),
        eos="</s>",
        stops=("</s>",),
        template=MISTRAL,
        bos="<s>",
        tokenizer_class="LlamaTokenizer",
        traits="SentencePiece with a prefix space, no system turn, sliding window",
    ),
    Family(
        "Phi-3",
        "phi3",
        _SIZES | {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0},
        lambda: sentencepiece(_PHI),
        eos="<|endoftext|>",
        stops=("<|endoftext|>", "<|assistant|>", "<|end|>"),
        template="phi3.jinja",
        bos="<s>",
        tokenizer_class="LlamaTokenizer",
        traits="SentencePiece, fused projections, three stop tokens",
    ),
    Family(
        "Phi-3.5",
        "phi3",
        _SIZES
        | {"original_max_position_embeddings": 256, "rope_parameters": _LONGROPE}
        | {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0},
        lambda: sentencepiece(_PHI),
        eos="<|endoftext|>",
        stops=("<|endoftext|>", "<|assistant|>", "<|end|>"),
        template="phi3_5.jinja",
        bos="<s>",
        tokenizer_class="LlamaTokenizer",
        traits="as Phi-3, with LongRoPE",
    ),
    Family(
        "Phi-4-mini",
        "phi3",
        _SIZES
        | {"original_max_position_embeddings": 256, "tie_word_embeddings": True}
        | {
            "rope_parameters": _LONGROPE
            | {"partial_rotary_factor": 0.75, "short_factor": [1.0] * 12, "long_factor": [2.0] * 12}
        }
        | {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0},
        lambda: byte_level(_PHI),
        eos="<|endoftext|>",
        stops=("<|end|>", "<|endoftext|>"),
        template=PHI4_MINI,
        bos="<|endoftext|>",
        tokenizer_class="GPT2Tokenizer",
        traits="fused projections, tied weights, rotary on three quarters of a head, LongRoPE",
    ),
    Family(
        "Qwen2.5",
        "qwen2",
        _SIZES | {"tie_word_embeddings": True},
        lambda: byte_level(_CHATML),
        eos="<|im_end|>",
        stops=("<|im_end|>", "<|endoftext|>"),
        template="qwen2_5.jinja",
        tokenizer_class="Qwen2Tokenizer",
        generation={"do_sample": True, "temperature": 0.7, "top_k": 20, "repetition_penalty": 1.05},
        traits="byte-level, default system prompt, repetition penalty in its generation_config",
    ),
    Family(
        "Qwen3",
        "qwen3",
        _SIZES | {"head_dim": 32, "tie_word_embeddings": True},
        lambda: byte_level([*_CHATML, "<think>", "</think>"]),
        eos="<|im_end|>",
        stops=("<|im_end|>", "<|endoftext|>"),
        template="qwen3.jinja",
        tokenizer_class="Qwen2Tokenizer",
        generation={"do_sample": True, "temperature": 0.6, "top_k": 20},
        traits="thinks; norms on queries and keys",
    ),
    Family(
        "Qwen3.5",
        "qwen3_5",
        {
            "text_config": _QWEN3_5,
            "vision_config": {
                "depth": 2,
                "hidden_size": 32,
                "intermediate_size": 32,
                "num_heads": 2,
                "out_hidden_size": 64,
            },
        },
        lambda: byte_level(
            [*_CHATML, "<think>", "</think>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
        ),
        eos="<|im_end|>",
        stops=("<|im_end|>", "<|endoftext|>"),
        template="qwen3_5_think.jinja",
        tokenizer_class="Qwen2Tokenizer",
        has_processor=True,
        traits="thinks, sees; layers of linear and of full attention",
    ),
    Family(
        "Gemma 2",
        "gemma2",
        _GEMMA3 | {"tie_word_embeddings": True},
        lambda: sentencepiece(_GEMMA, first="<bos>", prefix_space=False),
        eos="<eos>",
        stops=("<eos>", "<end_of_turn>"),
        template="gemma.jinja",
        bos="<bos>",
        tokenizer_class="GemmaTokenizer",
        traits="SentencePiece without a prefix space, no system turn",
    ),
    Family(
        "Gemma 3 text",
        "gemma3_text",
        _GEMMA3,
        lambda: sentencepiece(_GEMMA, first="<bos>", prefix_space=False),
        eos="<eos>",
        stops=("<eos>", "<end_of_turn>"),
        template="gemma3.jinja",
        bos="<bos>",
        tokenizer_class="GemmaTokenizer",
        generation={"do_sample": True, "top_k": 64, "top_p": 0.95},
        traits="two kinds of layers with a rotary base each",
    ),
    Family(
        "Gemma 3",
        "gemma3",
        {
            "text_config": _GEMMA3 | {"model_type": "gemma3_text"},
            "vision_config": _VISION | {"model_type": "siglip_vision_model"},
            "mm_tokens_per_image": 4,
        },
        lambda: sentencepiece(
            [*_GEMMA, "<start_of_image>", "<end_of_image>", "<image_soft_token>"], first="<bos>", prefix_space=False
        ),
        eos="<eos>",
        stops=("<eos>", "<end_of_turn>"),
        template="gemma3.jinja",
        bos="<bos>",
        tokenizer_class="GemmaTokenizer",
        has_processor=True,
        traits="sees; the language model is one part of it",
    ),
    Family(
        "Gemma 3n",
        "gemma3n_text",
        _GEMMA3N,
        lambda: sentencepiece(_GEMMA, first="<bos>", prefix_space=False),
        eos="<eos>",
        stops=("<eos>", "<end_of_turn>"),
        template="gemma3.jinja",
        bos="<bos>",
        tokenizer_class="GemmaTokenizer",
        cut_refused="inputs of its own for each layer",
        traits="inputs of its own for each layer",
    ),
    Family(
        "SmolLM3",
        "smollm3",
        _SIZES | {"tie_word_embeddings": True, "pad_token_id": 0, "no_rope_layers": [1, 1, 1, 0]},
        lambda: byte_level([*_CHATML, "<think>", "</think>", "<|begin_of_text|>", "<|end_of_text|>"]),
        eos="<|im_end|>",
        stops=("<|im_end|>",),
        template=SMOLLM3,
        generation={"do_sample": True, "temperature": 0.6, "top_p": 0.95},
        traits="thinks, today's date in its template; every fourth layer without rotary positions",
    ),
    Family(
        "gpt-oss",
        "gpt_oss",
        _SIZES | {"head_dim": 32, "num_local_experts": 2, "num_experts_per_tok": 1, "sliding_window": 64},
        lambda: byte_level(
            [
                "<|startoftext|>",
                "<|endoftext|>",
                "<|return|>",
                "<|constrain|>",
                "<|channel|>",
                "<|start|>",
                "<|end|>",
                "<|message|>",
                "<|call|>",
            ]
        ),
        eos="<|return|>",
        stops=("<|return|>", "<|endoftext|>", "<|call|>"),
        template="gptoss.jinja",
        bos="<|startoftext|>",
        generation={"do_sample": True},
        traits="channels, today's date in its template; experts, attention sinks",
    ),
)
