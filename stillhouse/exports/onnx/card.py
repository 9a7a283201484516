"""The lines of a model card that show how an ONNX export is used."""


def card_lines(name: str) -> str:
    """Return Markdown with Python that answers one message, for a folder called `name`."""
    return (
        "```python\n"
        f'model, tokenizer = onnxruntime_genai.Model("{name}"), AutoTokenizer.from_pretrained("{name}")\n'
        'messages = [{"role": "user", "content": "Where is my parcel?"}]\n'
        "prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)\n"
        "generator = onnxruntime_genai.Generator(model, onnxruntime_genai.GeneratorParams(model))\n"
        "generator.append_tokens(prompt)\n"
        "while not generator.is_done():\n"
        "    generator.generate_next_token()\n"
        "print(tokenizer.decode(generator.get_sequence(0)[len(prompt) :]))\n"
        "```\n"
    )
