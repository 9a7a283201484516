"""Chat templates a student may use in place of its base model's.

Separate because both environments name them and a template is part of a student's identity.
"""

# ChatML without the default system prompt that some models insert: a short message stays a short prompt.
# The newline stands before a turn and not after it, so that an answer ends exactly on its stop token.
MINIMAL_CHATML = (
    "{% for message in messages %}"
    "{{ ('' if loop.first else '\n') + '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '\n<|im_start|>assistant\n' }}{% endif %}"
)
