"""Where an export has what CTranslate2 reads."""

# its config.json is not the student's, by which the tokenizer is found: it has a folder of its own
MODEL = "model"
WEIGHTS = "model.bin"
VOCABULARY = "vocabulary.json"
