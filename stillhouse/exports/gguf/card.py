"""The lines of a model card that show how a GGUF export is used."""


def card_lines(name: str) -> str:
    """Return Markdown with three lines for a shell; `name` is what Ollama calls the model."""
    return (
        "```sh\n"
        f"ollama create {name} -f Modelfile\n"
        f'ollama run {name} "Where is my parcel?"\n'
        "llama-server --model model.gguf --jinja --host 127.0.0.1 --port 8080  # or without Ollama\n"
        "```\n"
    )
