"""Natural language inference: what a premise says of a hypothesis, as one label out of a fixed set.

Separate because a pair is its own kind of row; the answer is a label like any other, so all else is that of a
classification. Example: "A man plays a guitar." / "A man makes music." -> "entailment".
"""

from tasks.skills.classification import closed_answers as closed_answers
from tasks.skills.classification import constraint as constraint
from tasks.skills.classification import parse as parse
from tasks.skills.classification import resolve_labels as resolve_labels
from tasks.skills.classification import student_messages as student_messages
from tasks.skills.classification import teacher_messages as teacher_messages
from tasks.skills.classification import teacher_text as teacher_text
from tasks.skills.classification import verify as verify
from tasks.skills.classification import zero_shot_messages as zero_shot_messages
