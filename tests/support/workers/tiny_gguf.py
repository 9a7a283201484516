"""Run by the engine's Python: a GGUF model of random weights with the tokenizer of another, cut to its first tokens.

Command: `python -m tests.support.workers.tiny_gguf FULL.gguf TINY.gguf`. For tests in which the engine and the trainer
must be real and what the model says does not matter: it loads in a tenth of the time, and its steps cost next to
nothing.
"""

import sys

import numpy as np
from gguf import GGUFReader, GGUFWriter

NUM_TOKENS = 2048
HIDDEN = 64  # one attention head, of a size that vLLM has a kernel for
FEED_FORWARD = 128
NUM_LAYERS = 4


def write_tokenizer(full: GGUFReader, tiny: GGUFWriter) -> None:
    """Copy the first tokens, and of the merges those that make them."""

    def field(name: str) -> object:
        return full.get_field(f"tokenizer.{name}").contents()

    tokens, merges = field("ggml.tokens"), field("ggml.merges")
    # each merge makes one token, and the tokens made stand last
    num_unmerged = len(tokens) - len(merges)
    tiny.add_vocab_size(NUM_TOKENS)
    tiny.add_tokenizer_model(field("ggml.model"))
    tiny.add_tokenizer_pre(field("ggml.pre"))
    tiny.add_token_list(tokens[:NUM_TOKENS])
    tiny.add_token_types(field("ggml.token_type")[:NUM_TOKENS])
    tiny.add_token_merges(merges[: NUM_TOKENS - num_unmerged])
    tiny.add_bos_token_id(field("ggml.bos_token_id"))
    tiny.add_eos_token_id(field("ggml.eos_token_id"))
    tiny.add_unk_token_id(field("ggml.unknown_token_id"))
    tiny.add_pad_token_id(field("ggml.padding_token_id"))
    tiny.add_add_bos_token(field("ggml.add_bos_token"))
    tiny.add_add_space_prefix(field("ggml.add_space_prefix"))
    tiny.add_chat_template(field("chat_template"))


def write_weights(tiny: GGUFWriter) -> None:
    """Write the sizes of a small Llama, and weights that are the same each time."""
    tiny.add_block_count(NUM_LAYERS)
    tiny.add_context_length(2048)
    tiny.add_embedding_length(HIDDEN)
    tiny.add_feed_forward_length(FEED_FORWARD)
    tiny.add_head_count(1)
    tiny.add_head_count_kv(1)
    tiny.add_rope_dimension_count(HIDDEN)
    tiny.add_rope_freq_base(10_000.0)
    tiny.add_layer_norm_rms_eps(1e-5)
    chance = np.random.default_rng(0)
    matrices = {
        "attn_q": (HIDDEN, HIDDEN),
        "attn_k": (HIDDEN, HIDDEN),
        "attn_v": (HIDDEN, HIDDEN),
        "attn_output": (HIDDEN, HIDDEN),
        "ffn_gate": (FEED_FORWARD, HIDDEN),
        "ffn_up": (FEED_FORWARD, HIDDEN),
        "ffn_down": (HIDDEN, FEED_FORWARD),
    }
    layers = [f"blk.{number}" for number in range(NUM_LAYERS)]
    shapes = {"token_embd": (NUM_TOKENS, HIDDEN)}
    shapes |= {f"{layer}.{name}": shape for layer in layers for name, shape in matrices.items()}
    for name, shape in shapes.items():
        tiny.add_tensor(f"{name}.weight", chance.normal(0.0, 0.3, shape).astype(np.float32))
    for name in ("output_norm", *(f"{layer}.{norm}" for layer in layers for norm in ("attn_norm", "ffn_norm"))):
        tiny.add_tensor(f"{name}.weight", np.ones(HIDDEN, dtype=np.float32))


def main() -> None:
    full, out = sys.argv[1:]
    tiny = GGUFWriter(out, "llama")
    write_tokenizer(GGUFReader(full), tiny)
    write_weights(tiny)
    tiny.write_header_to_file()
    tiny.write_kv_data_to_file()
    tiny.write_tensors_to_file()
    tiny.close()


if __name__ == "__main__":
    main()
