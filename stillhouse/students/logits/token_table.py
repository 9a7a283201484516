"""The teacher's numbers of the tokens that a student learns, on disk, and how the rows point to them.

A row's `labels` are its token ids, IGNORE_INDEX for a token that does not count, and the code of a record for a token
of which the teacher's numbers are known. One column holds all: packing keeps no other, and whatever shuffles, pads,
splits or resumes rows moves each number with its token.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from stillhouse.completions.token_numbers import TokenLine, TokenNumbers, read_token_lines
from stillhouse.errors import DataError, ModelError
from stillhouse.recipe.teaching.logits import LogitsSettings
from stillhouse.students.label_choices import IGNORE_INDEX, Choice, LabelTree, code
from stillhouse.students.logits.alignment import aligned
from stillhouse.students.logits.student_tokens import StudentTokens

# rows in which the student's tokenizer must read the teacher's tokens as the answer before it is believed to be another
_ROWS_TO_DOUBT = 8


class TokenTable:
    """Records of `width` numbers a token in a file: `taken`, `share`, `ids` and `logprobs` (-inf: no number)."""

    def __init__(self, path: Path, width: int) -> None:
        """Start an empty file."""
        self.record = np.dtype(
            [("taken", "<i4"), ("share", "<f4"), ("ids", "<i4", (width,)), ("logprobs", "<f4", (width,))]
        )
        self.width = width
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = path.open("wb")
        self._size = 0
        self._mapped: Any = None

    def __len__(self) -> int:
        """Return the number of records."""
        return self._size

    def add(self, taken: int, share: float, ids: Any, logprobs: Any) -> int:
        """Append one record, and return the label that points to it; the last of too many numbers are left out.

        Args:
            taken: the target's token.
            share: factor of the teacher's share of the loss.
            ids: of the tokens with a number, at least one; the likeliest first.
            logprobs: nats.
        """
        known = min(self.width, len(ids))
        record = np.zeros((), self.record)
        record["taken"], record["share"] = taken, share
        # an id that is there already stands where there is no number
        record["ids"], record["logprobs"] = ids[0], -np.inf
        record["ids"][:known], record["logprobs"][:known] = ids[:known], logprobs[:known]
        self._file.write(record.tobytes())
        self._size += 1
        return code(self._size - 1)

    def at(self, places: Any) -> Any:
        """Return the records at `places` (int array), as a structured array of its own."""
        if self._mapped is None:
            self._file.close()
            self._mapped = np.memmap(self._path, self.record, "r") if self._size else np.zeros(0, self.record)
        return np.asarray(self._mapped[places])


class TeacherMarks:
    """Gives the rows of one file, in their order, the teacher's numbers of their tokens."""

    def __init__(
        self, path: Path, table: TokenTable, settings: LogitsSettings, student: StudentTokens, *, longest: int
    ) -> None:
        """Take the file with the numbers, and the table that they go to.

        Args:
            path: of a file by `write_token_lines`; none is there without numbers.
            table: for the numbers of all files.
            settings: the recipe's.
            student: the student's tokens.
            longest: tokens of a row that is not left out.
        """
        self.num_tokens = self.num_covered = 0
        self._lines: Iterator[TokenLine] = read_token_lines(path) if path.is_file() else iter(())
        self._next = next(self._lines, None)
        self._line = -1
        self._table, self._settings, self._student, self._longest = table, settings, student, longest
        self._tree = LabelTree(student.encode)
        self._read = self._doubted = 0

    def mark(self, row: Mapping[str, Any], encoded: Mapping[str, list[int]]) -> dict[str, list[int]]:
        """Return `input_ids` and `labels` of the next row of the file of training examples.

        Where the teacher's probability of each label is known, the student learns it at each fork of the labels' own
        tokens: the teacher's tokens may spell them in another way, and its calibration is no matter of tokens.

        Raises:
            DataError: the numbers are of another row.
            ModelError: the teacher's tokens are not those of the student's tokenizer.
        """
        pairs = zip(encoded["input_ids"], encoded["completion_mask"], strict=True)
        labels = [token if counts else IGNORE_INDEX for token, counts in pairs]
        numbers = self._numbers_of(row)
        if len(labels) <= self._longest:
            self.num_tokens += sum(encoded["completion_mask"])
            share = self._settings.weight_of(row.get("teacher"))
            if row.get("label_probabilities"):
                self._fill_choices(labels, self._tree.along(row, encoded), share)
            elif numbers:
                self._doubt(row, numbers)
                self._fill(labels, numbers, share)
        return {"input_ids": encoded["input_ids"], "labels": labels}

    def _numbers_of(self, row: Mapping[str, Any]) -> TokenNumbers | None:
        self._line += 1
        found = self._next
        if found is None or found.line != self._line:
            return None
        if found.id != row["id"] or found.teacher_number != row.get("teacher"):
            raise DataError(
                f"The teacher's log-probabilities of row {found.id} stand beside training example {row['id']}: these "
                "files are not of one filtering. Build them again with --refresh filter."
            )
        self._next = next(self._lines, None)
        return found.numbers

    def _fill_choices(self, labels: list[int], choices: Sequence[Choice | None], share: float) -> None:
        """Point those of `labels` that choose among labels to the teacher's probabilities of the branches."""
        for place, choice in enumerate(choices, start=len(labels) - len(choices)):
            if choice is not None:
                known = [pair for pair in zip(choice.branches, choice.probabilities, strict=True) if pair[1] > 0.0]
                known.sort(key=lambda pair: -pair[1])
                ids, probabilities = zip(*known, strict=True)
                self._add(labels, place, share, np.array(ids), np.log(probabilities))

    def _fill(self, labels: list[int], numbers: TokenNumbers, share: float) -> None:
        """Point those of `labels` that are the teacher's tokens to its numbers."""
        start = next((place for place, label in enumerate(labels) if label != IGNORE_INDEX), len(labels))
        ends = np.cumsum(numbers.sizes).tolist()
        for pair in aligned(labels[start:], numbers.token_ids.tolist(), self._student.spell_the_same):
            place, first = start + pair.target, ends[pair.teacher] - int(numbers.sizes[pair.teacher])
            ids, logprobs = numbers.ids[first : ends[pair.teacher]], numbers.logprobs[first : ends[pair.teacher]]
            if pair.is_fork:
                if self._settings.draws:
                    continue  # of draws nobody knows what the student's own spelling is worth
                written = int(numbers.token_ids[pair.teacher])
                ids, logprobs = self._student.in_own_tokens(ids, logprobs, written, labels[place])
            # a teacher may pad its vocabulary to more numbers than the student has
            inside = ids < self._student.vocab_size
            if inside.any():
                self._add(labels, place, share, ids[inside], logprobs[inside])

    def _add(self, labels: list[int], place: int, share: float, ids: Any, logprobs: Any) -> None:
        labels[place] = self._table.add(labels[place], share, ids, logprobs)
        self.num_covered += 1

    def _doubt(self, row: Mapping[str, Any], numbers: TokenNumbers) -> None:
        """Return if the student's tokenizer reads the teacher's tokens as the answer, mostly."""
        self._read += 1
        told = self._student.text_of(numbers.token_ids.tolist()).split()
        answer = str(row["completion"][-1]["content"]).split()
        self._doubted += not set(told) & set(answer)
        if self._read == _ROWS_TO_DOUBT and self._doubted == self._read:
            raise ModelError(
                f"The student's tokenizer reads the teacher's tokens of {answer[:8]} as {told[:8]}: their vocabularies "
                "differ, and log-probabilities can't be compared token by token. Take training.kind: sft, which learns "
                "from the teacher's text, or a student of the teacher's family."
            )


def check_covered(marks: TeacherMarks) -> None:
    """Return if some token of the training examples has the teacher's numbers.

    Raises:
        ModelError: none has.
    """
    if not marks.num_covered:
        raise ModelError(
            f"training.kind: logits: none of the {marks.num_tokens} tokens that the student learns is one that the "
            "teacher wrote: their vocabularies differ, or the answers are written in another way than the teacher's "
            "(its text layout, another spelling). Take training.kind: sft, or for labels training.soft_labels."
        )
