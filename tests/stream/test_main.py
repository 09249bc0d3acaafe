import pytest
from bytewax.errors import BytewaxRuntimeError
from structlog.testing import capture_logs

from online_models.users import UnknownStateVersion
from stream.main import explain_end
from stream.worker import WorkerStopping


def fail(cause: Exception) -> None:
    raise cause


def as_bytewax_wraps(cause: Exception) -> BytewaxRuntimeError:
    """Return an error as it comes out of a flow: wrapped once for each step."""
    inner, outer = BytewaxRuntimeError("error calling logic"), BytewaxRuntimeError("panicked")
    with pytest.raises(type(cause)):
        fail(cause)
    inner.__cause__, outer.__cause__ = cause, inner
    return outer


def test_a_stop_that_was_asked_for_is_no_failure() -> None:
    with capture_logs() as lines:
        explain_end(as_bytewax_wraps(WorkerStopping()))

    assert lines == []


def test_what_ended_a_flow_is_said_in_one_line() -> None:
    with capture_logs() as lines, pytest.raises(SystemExit) as caught:
        explain_end(as_bytewax_wraps(UnknownStateVersion(99)))

    (line,) = lines
    assert caught.value.code == 1
    assert (line["event"], line["error"]) == ("worker_failed", "UnknownStateVersion")
    assert "version 99" in line["detail"]
    assert line["where"].startswith("test_main.py:")


def test_the_text_of_a_foreign_error_is_not_logged_it_may_hold_personal_data() -> None:
    with capture_logs() as lines, pytest.raises(SystemExit):
        explain_end(as_bytewax_wraps(ValueError("ann@example.org")))

    assert "ann@example.org" not in str(lines)
