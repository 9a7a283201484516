"""The lines of a model card that show how a student in safetensors is used."""


def card_lines(name: str) -> str:
    """Return Markdown with Python that answers one message, for a folder called `name`."""
    return (
        "```python\n"
        f'writer = transformers.pipeline("text-generation", model="{name}")\n'
        'messages = [{"role": "user", "content": "Where is my parcel?"}]\n'
        'print(writer(messages, return_full_text=False)[0]["generated_text"])\n'
        "```\n"
    )
