"""Commands about what triggers told, on a real Redis."""

import json
from pathlib import Path
from typing import Any

import pytest
import redis

from config.keys import Keys
from config.receiver_states import ReceiverState, Stop, encode_state
from config.told import TOLD_FIELD, Letter, Reason, Told, decode_told, encode_told
from delivery.queues import set_aside
from shopkeeper import delivery_commands
from shopkeeper.main import main

KEYS = Keys("shop")


@pytest.fixture
def config(tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("SHOPKEEPER_REDIS_URL", redis_url)
    assert main(["init", str(tmp_path)]) == 0
    return str(tmp_path / "shopkeeper.toml")


def told(name: str) -> Told:
    data = {
        "id": name,
        "firedAt": "2024-05-01T10:00:00.000Z",
        "userId": "ann",
        "anonymousId": None,
        "productIds": ["boots"],
    }
    return Told(name, "idle", "email", 0, "digest", 1, json.dumps({"data": data}).encode())


def give_up(client: redis.Redis, receiver: str, *names: str) -> None:
    fields: Any = {receiver: encode_state(ReceiverState())}
    client.hset(KEYS.receivers(), mapping=fields)
    for name in names:
        with client.pipeline() as pipe:
            letter = Letter(Reason.TRIED_ENOUGH, 12, 1_714_557_600_000, "refused 503")
            set_aside(pipe, KEYS.undelivered(receiver), told(name), letter, 100)
            pipe.execute()


def waiting(client: redis.Redis, receiver: str) -> list[str]:
    entries: Any = client.xrange(KEYS.waiting(receiver))
    return [decode_told(fields[TOLD_FIELD]).told_id for _, fields in entries]


def test_what_was_given_up_is_listed_with_its_reason(
    config: str, redis_client: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    give_up(redis_client, "tool", "t-1")
    capsys.readouterr()
    assert main(["--config", config, "triggers", "undelivered", "--json"]) == 1
    listed = json.loads(capsys.readouterr().out)
    assert listed == {
        "receiver": "tool",
        "id": "t-1",
        "trigger": "idle",
        "reason": "tried_enough",
        "tries": 12,
        "last": "refused 503",
        "at": "2024-05-01T10:00:00+00:00",
    }


def test_by_id_only_that_one_goes_out_again(config: str, redis_client: redis.Redis) -> None:
    give_up(redis_client, "tool", "t-1", "t-2")
    assert main(["--config", config, "triggers", "resend", "t-2"]) == 0
    assert waiting(redis_client, "tool") == ["t-2"]
    entries: Any = redis_client.xrange(KEYS.waiting("tool"))
    [(_, fields)] = entries
    again = decode_told(fields[TOLD_FIELD])
    assert again.body == told("t-2").body
    assert again.expires_at > told("t-2").expires_at  # who sends it again finds it worth telling
    assert main(["--config", config, "triggers", "resend", "t-2"]) == 1


def test_a_receiver_that_was_gone_is_sent_to_again(config: str, redis_client: redis.Redis) -> None:
    give_up(redis_client, "tool", "t-1", "t-2")
    give_up(redis_client, "other", "t-3")
    fields: Any = {"tool": encode_state(Stop(1, "https://example.com"))}
    redis_client.hset(KEYS.stopped(), mapping=fields)
    assert main(["--config", config, "triggers", "resend", "--receiver", "tool"]) == 0
    assert (waiting(redis_client, "tool"), waiting(redis_client, "other")) == (["t-1", "t-2"], [])
    assert not redis_client.exists(KEYS.stopped())
    assert not redis_client.xlen(KEYS.undelivered("tool"))


def test_nothing_goes_to_a_receiver_that_the_file_does_not_name(
    config: str, redis_client: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    give_up(redis_client, "tool", "t-1")
    give_up(redis_client, "old", "t-2")
    fields: Any = {"old": encode_state(ReceiverState(is_in_force=False))}
    redis_client.hset(KEYS.receivers(), mapping=fields)
    assert main(["--config", config, "triggers", "resend", "--all"]) == 1
    told = capsys.readouterr()
    assert "1 go out again" in told.out
    assert "old: the file of triggers does not name it" in told.err
    assert (waiting(redis_client, "tool"), waiting(redis_client, "old")) == (["t-1"], [])
    assert redis_client.xlen(KEYS.undelivered("old")) == 1


def test_everything_is_sent_again_only_where_that_is_said(
    config: str, redis_client: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    give_up(redis_client, "tool", "t-1")
    assert main(["--config", config, "triggers", "resend"]) == 2
    assert "--all" in capsys.readouterr().err
    assert main(["--config", config, "triggers", "resend", "--receiver", "tol"]) == 2
    assert "there is tool" in capsys.readouterr().err


def test_tail_prints_what_was_told_last(
    config: str, redis_client: redis.Redis, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(5):
        fields: Any = {TOLD_FIELD: encode_told(told(f"t-{number}"))}
        redis_client.xadd(KEYS.told(), fields)
    capsys.readouterr()
    assert main(["--config", config, "triggers", "tail", "--last", "2", "--no-follow"]) == 0
    line = "2024-05-01T10:00:00.000Z  idle  email  ann  boots\n"
    assert capsys.readouterr().out == 2 * line


class Busy(redis.Redis):
    """A Redis into which something is told after each look at what was told last; it ends then."""

    def xrevrange(self, name: Any, *arguments: Any, **more: Any) -> Any:
        found: Any = super().xrevrange(name, *arguments, **more)
        fields: Any = {TOLD_FIELD: encode_told(told(f"meanwhile-{self.xlen(name)}"))}
        self.xadd(name, fields)
        return found

    def xread(self, *arguments: Any, **more: Any) -> Any:
        reply: Any = super().xread(*arguments, **more)
        if not reply:
            raise KeyboardInterrupt
        return reply


@pytest.mark.parametrize("last", ["0", "5"])
def test_tail_leaves_out_nothing_that_comes_while_it_looks(
    config: str,
    redis_client: redis.Redis,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    last: str,
) -> None:
    fields: Any = {TOLD_FIELD: encode_told(told("before"))}
    redis_client.xadd(KEYS.told(), fields)
    monkeypatch.setattr(delivery_commands, "connect", Busy.from_url)
    capsys.readouterr()
    assert main(["--config", config, "triggers", "tail", "--last", last, "--json"]) == 0
    printed = [json.loads(line)["data"]["id"] for line in capsys.readouterr().out.splitlines()]
    assert printed == (["before", "meanwhile-1"] if last == "5" else ["meanwhile-1"])
