"""The lines of a model card that show how an export for vLLM is used."""


def card_lines(name: str) -> str:
    """Return Markdown with Python that answers one message, for a folder called `name`."""
    return (
        "```python\n"
        f'llm = vllm.LLM("{name}", dtype="bfloat16")\n'
        'messages = [{"role": "user", "content": "Where is my parcel?"}]\n'
        "print(llm.chat(messages, vllm.SamplingParams(temperature=0.0))[0].outputs[0].text)\n"
        "```\n"
    )
