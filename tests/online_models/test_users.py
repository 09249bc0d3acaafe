import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from online_models.users import (
    BrokenState,
    Linked,
    Suppressed,
    UnknownStateVersion,
    User,
    UserState,
    decode_user,
    encode_user,
)
from tests.builders import NOON


def a_state() -> UserState:
    return UserState(latest_at=NOON, first_at=NOON, received_at=NOON, user_id="ann", n_events=3)


@pytest.mark.parametrize("user", [a_state(), Linked("x", 1, 2, b"ring"), Suppressed(5)])
def test_a_user_survives_its_bytes(user: User) -> None:
    assert decode_user(encode_user(user)) == user


def test_bytes_written_before_a_field_was_added_are_read_with_its_default() -> None:
    fields = msgspec.msgpack.decode(encode_user(a_state())[1:])
    for n_fields_then in range(5, len(fields)):
        older = b"\x01" + msgspec.msgpack.encode(fields[:n_fields_then])

        state = decode_user(older)

        assert isinstance(state, UserState)
        assert state.latest_at == NOON
        assert encode_user(state)[0] == 1


def test_an_unknown_version_is_an_error_with_a_name() -> None:
    with pytest.raises(UnknownStateVersion, match="version 99; this Shopkeeper reads"):
        decode_user(b"\x63" + encode_user(a_state())[1:])


@given(st.binary(max_size=60))
def test_bytes_that_are_no_user_are_an_error_with_a_name(data: bytes) -> None:
    with pytest.raises((BrokenState, UnknownStateVersion)):
        decode_user(data)


def test_a_new_state_shares_nothing_with_another() -> None:
    first, second = a_state(), a_state()
    first.viewed.append((NOON, "boots"))
    first.views.total = 1

    assert (second.viewed, second.views.total) == ([], 0)
