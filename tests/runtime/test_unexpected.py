import pytest

from stillhouse.errors import DataError, UnexpectedError, UnexpectedTrouble, can_pass
from stillhouse.runtime.unexpected import cause_of, keep_trace, one_line_errors, unexpected_error


def fail(error: Exception) -> UnexpectedError:
    with pytest.raises(UnexpectedError) as caught, one_line_errors("a stage"):
        raise error
    return caught.value


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (
            AttributeError("'Config' object has no attribute 'hidden_size'"),
            "no attribute 'hidden_size' (tests/runtime/",
        ),
        (UnicodeEncodeError("utf-8", "R\udce9f", 1, 2, "surrogates not allowed"), "UnicodeEncodeError: 'utf-8' codec"),
        (ValueError("several\n  lines\n"), "ValueError: several lines ("),
        (KeyError("no column R\udce9f"), "KeyError: 'no column R"),
        (NotImplementedError(), "NotImplementedError ("),
        (ExceptionGroup("two", [ValueError("one"), ValueError("other")]), "ExceptionGroup: two (2 sub-exceptions) ("),
        (ValueError("x" * 5000), "xxx … ("),
    ],
    ids=lambda value: type(value).__name__,
)
def test_one_line_errors_any_exception_is_one_line_that_names_its_trace(tmp_path, error, cause):
    message = str(fail(error))
    assert cause in message
    assert "\n" not in message
    assert len(message) < 1200
    message.encode()
    (kept,) = (tmp_path / "places" / "work" / "traces").iterdir()
    assert f"The whole trace is in {kept}." in message
    assert kept.name.startswith("a-stage-")
    assert type(error).__name__ in kept.read_text()


def test_one_line_errors_users_mistake_passes_unchanged(tmp_path):
    with pytest.raises(DataError, match=r"^no rows$"), one_line_errors("stage"):
        raise DataError("no rows")
    assert not (tmp_path / "places" / "work").exists()


def test_one_line_errors_end_of_the_process_passes_unchanged():
    with pytest.raises(KeyboardInterrupt), one_line_errors("stage"):
        raise KeyboardInterrupt


def test_one_line_errors_trouble_of_a_disk_may_pass():
    assert can_pass(fail(OSError(5, "Input/output error")))
    assert not can_pass(fail(FileNotFoundError("gone")))
    assert type(unexpected_error(TimeoutError(), "x")) is UnexpectedTrouble


def test_one_line_errors_second_rim_keeps_the_line_of_the_first(tmp_path):
    with pytest.raises(UnexpectedError) as caught, one_line_errors("flow"), one_line_errors("stage"):
        raise ValueError("inner")
    assert str(caught.value).count("The whole trace is in") == 1
    assert len(list((tmp_path / "places" / "work" / "traces").iterdir())) == 1


def test_keep_trace_in_a_place_that_cannot_be_written_is_kept_elsewhere(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STILLHOUSE_WORK", str(tmp_path / "file"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    kept = keep_trace("a trace", "stage")
    assert kept
    assert kept.is_relative_to(tmp_path)
    assert kept.read_text() == "a trace"


def test_user_error_half_a_character_is_replaced():
    assert str(DataError("Found: R\udce9f")) == "Found: R\N{REPLACEMENT CHARACTER}f"


def test_cause_of_an_exception_that_was_never_raised_has_no_place():
    assert cause_of(ValueError("so.")) == "ValueError: so"
