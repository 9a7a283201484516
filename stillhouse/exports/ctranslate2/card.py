"""The lines of a model card that show how a CTranslate2 export is used."""


def card_lines(name: str) -> str:
    """Return Markdown with Python that answers one message, for a folder called `name`."""
    return (
        "```python\n"
        f'generator, tokenizer = ctranslate2.Generator("{name}/model"), AutoTokenizer.from_pretrained("{name}")\n'
        'messages = [{"role": "user", "content": "Where is my parcel?"}]\n'
        "prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)\n"
        "tokens = [tokenizer.convert_ids_to_tokens(prompt)]\n"
        "answer = generator.generate_batch(tokens, include_prompt_in_result=False)[0]\n"
        "print(tokenizer.decode(answer.sequences_ids[0]))\n"
        "```\n"
    )
