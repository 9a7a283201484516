"""Small tokenizers of the kinds that model families have, trained on a few words."""

from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

TEXTS = ["Where is my parcel?", "goods billing delivery refund", "user assistant system model", "I want my money back!"]
_WORDS = Regex(r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+")
_NUM_TOKENS = 600


def byte_level(specials: list[str], first: str | None = None) -> Tokenizer:
    """Return a tokenizer like Llama 3's, Qwen's or Phi-4's; `first` is put in front of a text."""
    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(_WORDS, behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=_NUM_TOKENS, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(TEXTS * 3, trainer)
    return _with_specials(tokenizer, specials, first)


def sentencepiece(specials: list[str], first: str | None = None, prefix_space: bool = True) -> Tokenizer:
    """Return a tokenizer like Llama 2's, or with `prefix_space` False like Gemma's; unknown letters are bytes."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    replace = normalizers.Replace(" ", "▁")
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), replace]) if prefix_space else replace
    strip = [decoders.Strip(" ", 1, 0)] if prefix_space else []
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *strip]
    )
    first_tokens = ["<pad>", "<eos>", "<bos>", "<unk>"] if not prefix_space else ["<unk>", "<s>", "</s>"]
    letters = [*"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789[]/!?.,:;'\"-#▁"]
    trainer = trainers.BpeTrainer(
        vocab_size=_NUM_TOKENS,
        special_tokens=[*first_tokens, *(f"<0x{byte:02X}>" for byte in range(256))],
        initial_alphabet=letters,
        show_progress=False,
    )
    tokenizer.train_from_iterator([word for text in TEXTS * 3 for word in text.split()], trainer)
    return _with_specials(tokenizer, specials, first)


def _with_specials(tokenizer: Tokenizer, specials: list[str], first: str | None) -> Tokenizer:
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in specials])
    if first:
        ids = [(first, tokenizer.token_to_id(first))]
        tokenizer.post_processor = processors.TemplateProcessing(f"{first} $A", f"{first} $A $B", ids)
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path, template: str | None, names: dict[str, Any]) -> None:
    """Write the tokenizer as a family's repository has it; `names` are entries of tokenizer_config.json."""
    import json

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(names))
    if template:
        (folder / "chat_template.jinja").write_text(template)
