"""A tokenizer whose tokens are words."""

from types import SimpleNamespace


class WordTokenizer:
    """Words are tokens; as some models' tokenizers do, it may put a token in front of every text."""

    bos_token = "<s>"
    bos_token_id = 1

    def __init__(self, adds_bos: bool = False) -> None:
        self.adds_bos = adds_bos
        self.known = {"<s>": 1}

    def __call__(self, text: str, add_special_tokens: bool = True) -> SimpleNamespace:
        words = text.replace("<s>", "<s> ").split()
        ids = [self.known.setdefault(word, len(self.known) + 1) for word in words]
        return SimpleNamespace(input_ids=[1, *ids] if self.adds_bos and add_special_tokens else ids)

    def apply_chat_template(self, turns, tokenize, add_generation_prompt) -> str:
        assert tokenize is False
        shown = "".join(f"<{turn['role']}>{turn['content']}" for turn in turns)
        return shown + ("<assistant>" if add_generation_prompt else "")
