"""Natural language inference: what a premise says of a hypothesis, as one label out of a fixed set.

Separate because a pair is its own kind of row; the answer is a label like any other, so all else is that of a
classification. Example: "A man plays a guitar." / "A man makes music." -> "entailment".
"""

from stillhouse.skills.classification import as_text as as_text
from stillhouse.skills.classification import cases as cases
from stillhouse.skills.classification import closed_answers as closed_answers
from stillhouse.skills.classification import constraint as constraint
from stillhouse.skills.classification import has_wording as has_wording
from stillhouse.skills.classification import lesson as lesson
from stillhouse.skills.classification import measured as measured
from stillhouse.skills.classification import parse as parse
from stillhouse.skills.classification import row_scores as row_scores
from stillhouse.skills.classification import same as same
from stillhouse.skills.classification import student_messages as student_messages
from stillhouse.skills.classification import teacher_messages as teacher_messages
from stillhouse.skills.classification import teacher_text as teacher_text
from stillhouse.skills.classification import verify as verify
from stillhouse.skills.classification import votes as votes
from stillhouse.skills.classification import zero_shot_messages as zero_shot_messages
