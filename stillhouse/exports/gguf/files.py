"""What an export's files are called."""

MODEL = "model.gguf"
# for Ollama
MODELFILE = "Modelfile"
