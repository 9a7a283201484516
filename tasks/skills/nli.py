"""Natural language inference: what a premise says of a hypothesis, as one label out of a fixed set.

Separate because a pair is its own kind of row; the answer is a label like any other, so all else is that of a
classification. Example: "A man plays a guitar." / "A man makes music." -> "entailment".
"""

from tasks.skills.classification import as_text as as_text
from tasks.skills.classification import cases as cases
from tasks.skills.classification import closed_answers as closed_answers
from tasks.skills.classification import constraint as constraint
from tasks.skills.classification import has_wording as has_wording
from tasks.skills.classification import lesson as lesson
from tasks.skills.classification import measured as measured
from tasks.skills.classification import parse as parse
from tasks.skills.classification import row_scores as row_scores
from tasks.skills.classification import same as same
from tasks.skills.classification import student_messages as student_messages
from tasks.skills.classification import teacher_messages as teacher_messages
from tasks.skills.classification import teacher_text as teacher_text
from tasks.skills.classification import verify as verify
from tasks.skills.classification import votes as votes
from tasks.skills.classification import zero_shot_messages as zero_shot_messages
