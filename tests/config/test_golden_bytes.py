"""Bytes that were written once are read as the same values for ever.

Each value has another content in each field, so that swapping two fields, or a new one that is not
the last, changes what the bytes mean and fails here. Bytes of an older Shopkeeper stay in this
table; when a field is added at the end, add the new bytes beside them.
"""

from typing import get_args
from zlib import crc32

import msgspec
import numpy as np
import pytest

from config.events import (
    CampaignChoice,
    ConsentRefused,
    Decided,
    Entry,
    Erase,
    Event,
    Forwarded,
    Link,
    Merge,
    ProductsChanged,
    RhythmLearned,
    Tick,
    decode_entry,
)
from config.examples import (
    Example,
    Exposed,
    Rewarded,
    Touched,
    Visited,
    Waited,
    decode_examples,
)
from config.session_log import Step, decode_steps
from online_models.decay import Counter
from online_models.expected import About, Rhythm, Wait
from online_models.snapshots import Block, Snapshot, read_block
from online_models.users import (
    CartChange,
    Contact,
    Exposure,
    Linked,
    Moment,
    OpenDecision,
    Order,
    Session,
    Shown,
    Suppressed,
    User,
    UserState,
    decode_user,
)
from online_models.vectors import DIMENSIONS
from stream.commits import Commit, decode_commit

EVENT = Event(
    type="alias",
    name="Product Viewed",
    message_id="m-1",
    occurred_at=1_700_000_000_001,
    received_at=1_700_000_000_002,
    user_id="ann",
    anonymous_id="browser-1",
    previous_id="browser-0",
    group_id="club",
    properties={"product_id": "boots", "price": 129.5, "n": 3},
    traits={"tier": "gold"},
    context={"locale": "de-DE", "consent": True},
)
SESSION = Session(
    start_at=11,
    end_at=12,
    received_at=13,
    n_events=14,
    n_pages=15,
    n_views=16,
    n_carts=17,
    n_orders=18,
    revenue=19.5,
    referrer=(20, "https://search.example"),
    campaign=(21, "spring"),
    landing_page=(22, "/boots"),
    device=(23, "phone"),
    stage=(24, 2),
)
STATE = UserState(
    latest_at=1_700_000_000_003,
    first_at=1_700_000_000_001,
    received_at=1_700_000_000_002,
    n_events=7,
    user_id="ann",
    anonymous_ids=[(31, "browser-1")],
    consent=(32, True),
    traits={"tier": (33, "gold")},
    context={"locale": (34, "de-DE")},
    views=Counter(1.0, 1.1, 1.2, 1.3),
    carts=Counter(2.0, 2.1, 2.2, 2.3),
    orders=Counter(3.0, 3.1, 3.2, 3.3),
    revenue=Counter(4.0, 4.1, 4.2, 4.3),
    sessions=Counter(5.0, 5.1, 5.2, 5.3),
    categories={"hiking": 0.25},
    brands={"alp": 0.5},
    price_bands={"7": 0.75},
    viewed=[(41, "boots")],
    carted=[(42, "socks")],
    bought=[(43, "hat")],
    cart=[CartChange(44, "socks", 2.0, 9.5)],
    cart_cleared_at=45,
    order_history=[Order(46, "order-1", 19.25)],
    open_sessions=[SESSION],
    recent_ids=b"12345678",
)
# Of those written before purchases and impressions were kept, the bytes stay below as they were.
STATE_WITH_MORE = msgspec.structs.replace(
    STATE, purchases={"hat": [43, 40]}, shown=[Shown("tent", [48, 47], 46)]
)
# Nor had those the fields that say what models were taught.
STATE_WITH_TAUGHT = msgspec.structs.replace(STATE_WITH_MORE, taught_day=19_675, taught=b"1234")
# Nor those that say what a visitor had to do with campaigns.
CHOICE = CampaignChoice(
    placement="hero",
    campaign="spring",
    variation="a",
    policy="policy:hero",
    goal="margin",
    probability=0.25,
    features=[1.5, -2.0],
    is_holdout=True,
    click_ms=61,
    order_ms=62,
    margin_rate=0.5,
    discount_rate=0.125,
    arms=["spring/a"],
)
STATE_WITH_CAMPAIGNS = msgspec.structs.replace(
    STATE_WITH_TAUGHT,
    open_sessions=[msgspec.structs.replace(SESSION, moments=[Moment(64, 65, b"four")])],
    contacts=[Contact("spring", [(66, "web")], 67, 68, 69)],
    open_decisions=[OpenDecision("d-1", 70, CHOICE, 71, 72, 73, 74.5, 75, "email", b"more", True)],
    exposures=[Exposure("colors", "red", 76, True, 77, 78.5, 79.5, 0.5)],
    clicked_at=80,
    left_at=81,
)
# Nor those that say how often a customer orders.
STATE_WITH_RHYTHM = msgspec.structs.replace(STATE_WITH_CAMPAIGNS, rhythm=Rhythm(82, 83, 84, 85))
# Nor those of triggers.
STATE_WITH_WAITS = msgspec.structs.replace(
    STATE_WITH_RHYTHM,
    heard_at=86,
    marketing=(87, True),
    waits={"cart": Wait([88], 89, 90, 91, 92, (About(97, "boots", {"price": 9.5}),))},
    waits_due_at=93,
    held_until=94,
    stops={"Order Completed": 95},
    reach=3,
    told=[(96, "push")],
)
ENTRIES: list[tuple[Entry, str]] = [
    (
        EVENT,
        "9da56576656e74a5616c696173ae50726f6475637420566965776564a36d2d31cf0000018bcfe56801cf"
        "0000018bcfe56802a3616e6ea962726f777365722d31a962726f777365722d30a4636c756283aa70726f"
        "647563745f6964a5626f6f7473a57072696365cb4060300000000000a16e0381a474696572a4676f6c64"
        "82a66c6f63616c65a564652d4445a7636f6e73656e74c3",
    ),
    (Tick(received_at=5), "92a47469636b05"),
    (ConsentRefused(occurred_at=6, received_at=7), "93a7726566757365640607"),
    (
        Erase(received_at=8, suppress=False, known="known-digest"),
        "94a5657261736508c2ac6b6e6f776e2d646967657374",
    ),
    (
        Link(known="known-digest", occurred_at=9, received_at=10),
        "94a46c696e6bac6b6e6f776e2d646967657374090a",
    ),
    (Merge(state=b"state"), "92a56d65726765c4057374617465"),
    (
        Forwarded(event=EVENT),
        "92a9666f727761726465649da56576656e74a5616c696173ae50726f6475637420566965776564a36d2d"
        "31cf0000018bcfe56801cf0000018bcfe56802a3616e6ea962726f777365722d31a962726f777365722d"
        "30a4636c756283aa70726f647563745f6964a5626f6f7473a57072696365cb4060300000000000a16e03"
        "81a474696572a4676f6c6482a66c6f63616c65a564652d4445a7636f6e73656e74c3",
    ),
    (
        Decided("d-1", 81, [CHOICE], [("colors", "red")], "email", 0.25),
        "97a764656369646564a3642d3151919da46865726fa6737072696e67a161ab706f6c6963793a6865726f"
        "a66d617267696ecb3fd000000000000092cb3ff8000000000000cbc000000000000000c33d3ecb3fe000"
        "0000000000cb3fc000000000000091a8737072696e672f619192a6636f6c6f7273a3726564a5656d6169"
        "6ccb3fd0000000000000",
    ),
    (ProductsChanged("17-2", 18), "93a870726f6475637473a431372d3212"),
    (RhythmLearned(b"curves", 19), "93a672687974686dc40663757276657313"),
]
EXAMPLES: list[tuple[Example, str]] = [
    (
        Touched("boots", "view", 1, 2, "hiking"),
        "96a7746f7563686564a5626f6f7473a4766965770102a668696b696e67",
    ),
    (
        Rewarded(
            *("policy:hero", "order", "hero", "spring", "a", 0.25, [1.5, -2.0]),
            *(True, 1, False, 2, 3.5, 4.5, ["spring/a"]),
        ),
        "9fa87265776172646564ab706f6c6963793a6865726fa56f72646572a46865726fa6737072696e67a161"
        "cb3fd000000000000092cb3ff8000000000000cbc000000000000000c301c202cb400c000000000000cb"
        "401200000000000091a8737072696e672f61",
    ),
    (
        Exposed("colors", "red", 1, 2, 3, 4, 5, 6.5, 7.5, 8.5, 9.5),
        "9ca76578706f736564a6636f6c6f7273a37265640102030405cb401a000000000000cb401e0000000000"
        "00cb4021000000000000cb4023000000000000",
    ),
    (
        Visited([0.5, 1.5], 1, True, False),
        "95a77669736974656492cb3fe0000000000000cb3ff800000000000001c3c2",
    ),
    (Waited(1, 2, 3, 4, 5), "96a67761697465640102030405"),
]
USERS: list[tuple[User, str]] = [
    (
        STATE,
        "01dc001aa57374617465cf0000018bcfe56803cf0000018bcfe56801cf0000018bcfe5680207a3616e6e"
        "91921fa962726f777365722d319220c381a4746965729221a4676f6c6481a66c6f63616c659222a56465"
        "2d444594cb3ff0000000000000cb3ff199999999999acb3ff3333333333333cb3ff4cccccccccccd94cb"
        "4000000000000000cb4000cccccccccccdcb400199999999999acb400266666666666694cb4008000000"
        "000000cb4008cccccccccccdcb400999999999999acb400a66666666666694cb4010000000000000cb40"
        "10666666666666cb4010cccccccccccdcb401133333333333394cb4014000000000000cb401466666666"
        "6666cb4014cccccccccccdcb401533333333333381a668696b696e67cb3fd000000000000081a3616c70"
        "cb3fe000000000000081a137cb3fe8000000000000919229a5626f6f747391922aa5736f636b7391922b"
        "a368617491942ca5736f636b73cb4000000000000000cb40230000000000002d91932ea76f726465722d"
        "31cb4033400000000000919e0b0c0d0e0f101112cb40338000000000009214b668747470733a2f2f7365"
        "617263682e6578616d706c659215a6737072696e679216a62f626f6f74739217a570686f6e65921802c4"
        "083132333435363738",
    ),
    (
        STATE_WITH_MORE,
        "01dc001ca57374617465cf0000018bcfe56803cf0000018bcfe56801cf0000018bcfe5680207a3616e6e"
        "91921fa962726f777365722d319220c381a4746965729221a4676f6c6481a66c6f63616c659222a56465"
        "2d444594cb3ff0000000000000cb3ff199999999999acb3ff3333333333333cb3ff4cccccccccccd94cb"
        "4000000000000000cb4000cccccccccccdcb400199999999999acb400266666666666694cb4008000000"
        "000000cb4008cccccccccccdcb400999999999999acb400a66666666666694cb4010000000000000cb40"
        "10666666666666cb4010cccccccccccdcb401133333333333394cb4014000000000000cb401466666666"
        "6666cb4014cccccccccccdcb401533333333333381a668696b696e67cb3fd000000000000081a3616c70"
        "cb3fe000000000000081a137cb3fe8000000000000919229a5626f6f747391922aa5736f636b7391922b"
        "a368617491942ca5736f636b73cb4000000000000000cb40230000000000002d91932ea76f726465722d"
        "31cb4033400000000000919e0b0c0d0e0f101112cb40338000000000009214b668747470733a2f2f7365"
        "617263682e6578616d706c659215a6737072696e679216a62f626f6f74739217a570686f6e65921802c4"
        "08313233343536373881a3686174922b289193a474656e7492302f2e",
    ),
    (
        STATE_WITH_TAUGHT,
        "01dc001ea57374617465cf0000018bcfe56803cf0000018bcfe56801cf0000018bcfe5680207a3616e6e"
        "91921fa962726f777365722d319220c381a4746965729221a4676f6c6481a66c6f63616c659222a56465"
        "2d444594cb3ff0000000000000cb3ff199999999999acb3ff3333333333333cb3ff4cccccccccccd94cb"
        "4000000000000000cb4000cccccccccccdcb400199999999999acb400266666666666694cb4008000000"
        "000000cb4008cccccccccccdcb400999999999999acb400a66666666666694cb4010000000000000cb40"
        "10666666666666cb4010cccccccccccdcb401133333333333394cb4014000000000000cb401466666666"
        "6666cb4014cccccccccccdcb401533333333333381a668696b696e67cb3fd000000000000081a3616c70"
        "cb3fe000000000000081a137cb3fe8000000000000919229a5626f6f747391922aa5736f636b7391922b"
        "a368617491942ca5736f636b73cb4000000000000000cb40230000000000002d91932ea76f726465722d"
        "31cb4033400000000000919e0b0c0d0e0f101112cb40338000000000009214b668747470733a2f2f7365"
        "617263682e6578616d706c659215a6737072696e679216a62f626f6f74739217a570686f6e65921802c4"
        "08313233343536373881a3686174922b289193a474656e7492302f2ecd4cdbc40431323334",
    ),
    (
        STATE_WITH_CAMPAIGNS,
        "01dc0023a57374617465cf0000018bcfe56803cf0000018bcfe56801cf0000018bcfe5680207a3616e6e"
        "91921fa962726f777365722d319220c381a4746965729221a4676f6c6481a66c6f63616c659222a56465"
        "2d444594cb3ff0000000000000cb3ff199999999999acb3ff3333333333333cb3ff4cccccccccccd94cb"
        "4000000000000000cb4000cccccccccccdcb400199999999999acb400266666666666694cb4008000000"
        "000000cb4008cccccccccccdcb400999999999999acb400a66666666666694cb4010000000000000cb40"
        "10666666666666cb4010cccccccccccdcb401133333333333394cb4014000000000000cb401466666666"
        "6666cb4014cccccccccccdcb401533333333333381a668696b696e67cb3fd000000000000081a3616c70"
        "cb3fe000000000000081a137cb3fe8000000000000919229a5626f6f747391922aa5736f636b7391922b"
        "a368617491942ca5736f636b73cb4000000000000000cb40230000000000002d91942ea76f726465722d"
        "31cb4033400000000000c2919f0b0c0d0e0f101112cb40338000000000009214b668747470733a2f2f73"
        "65617263682e6578616d706c659215a6737072696e679216a62f626f6f74739217a570686f6e65921802"
        "91934041c404666f7572c408313233343536373881a3686174922b289193a474656e7492302f2ecd4cdb"
        "c404313233349195a6737072696e67919242a3776562434445919ba3642d31469da46865726fa6737072"
        "696e67a161ab706f6c6963793a6865726fa66d617267696ecb3fd000000000000092cb3ff80000000000"
        "00cbc000000000000000c33d3ecb3fe0000000000000cb3fc000000000000091a8737072696e672f6147"
        "4849cb4052a000000000004ba5656d61696cc4046d6f7265c39198a6636f6c6f7273a37265644cc34dcb"
        "4053a00000000000cb4053e00000000000cb3fe00000000000005051",
    ),
    (
        STATE_WITH_RHYTHM,
        "01dc0024a57374617465cf0000018bcfe56803cf0000018bcfe56801cf0000018bcfe5680207a3616e6e"
        "91921fa962726f777365722d319220c381a4746965729221a4676f6c6481a66c6f63616c659222a56465"
        "2d444594cb3ff0000000000000cb3ff199999999999acb3ff3333333333333cb3ff4cccccccccccd94cb"
        "4000000000000000cb4000cccccccccccdcb400199999999999acb400266666666666694cb4008000000"
        "000000cb4008cccccccccccdcb400999999999999acb400a66666666666694cb4010000000000000cb40"
        "10666666666666cb4010cccccccccccdcb401133333333333394cb4014000000000000cb401466666666"
        "6666cb4014cccccccccccdcb401533333333333381a668696b696e67cb3fd000000000000081a3616c70"
        "cb3fe000000000000081a137cb3fe8000000000000919229a5626f6f747391922aa5736f636b7391922b"
        "a368617491942ca5736f636b73cb4000000000000000cb40230000000000002d91942ea76f726465722d"
        "31cb4033400000000000c2919f0b0c0d0e0f101112cb40338000000000009214b668747470733a2f2f73"
        "65617263682e6578616d706c659215a6737072696e679216a62f626f6f74739217a570686f6e65921802"
        "91934041c404666f7572c408313233343536373881a3686174922b289193a474656e7492302f2ecd4cdb"
        "c404313233349195a6737072696e67919242a3776562434445919ba3642d31469da46865726fa6737072"
        "696e67a161ab706f6c6963793a6865726fa66d617267696ecb3fd000000000000092cb3ff80000000000"
        "00cbc000000000000000c33d3ecb3fe0000000000000cb3fc000000000000091a8737072696e672f6147"
        "4849cb4052a000000000004ba5656d61696cc4046d6f7265c39198a6636f6c6f7273a37265644cc34dcb"
        "4053a00000000000cb4053e00000000000cb3fe000000000000050519452535455",
    ),
    (
        STATE_WITH_WAITS,
        "01dc002ca57374617465cf0000018bcfe56803cf0000018bcfe56801cf0000018bcfe5680207a3616e6e"
        "91921fa962726f777365722d319220c381a4746965729221a4676f6c6481a66c6f63616c659222a56465"
        "2d444594cb3ff0000000000000cb3ff199999999999acb3ff3333333333333cb3ff4cccccccccccd94cb"
        "4000000000000000cb4000cccccccccccdcb400199999999999acb400266666666666694cb4008000000"
        "000000cb4008cccccccccccdcb400999999999999acb400a66666666666694cb4010000000000000cb40"
        "10666666666666cb4010cccccccccccdcb401133333333333394cb4014000000000000cb401466666666"
        "6666cb4014cccccccccccdcb401533333333333381a668696b696e67cb3fd000000000000081a3616c70"
        "cb3fe000000000000081a137cb3fe8000000000000919229a5626f6f747391922aa5736f636b7391922b"
        "a368617491942ca5736f636b73cb4000000000000000cb40230000000000002d91942ea76f726465722d"
        "31cb4033400000000000c2919f0b0c0d0e0f101112cb40338000000000009214b668747470733a2f2f73"
        "65617263682e6578616d706c659215a6737072696e679216a62f626f6f74739217a570686f6e65921802"
        "91934041c404666f7572c408313233343536373881a3686174922b289193a474656e7492302f2ecd4cdb"
        "c404313233349195a6737072696e67919242a3776562434445919ba3642d31469da46865726fa6737072"
        "696e67a161ab706f6c6963793a6865726fa66d617267696ecb3fd000000000000092cb3ff80000000000"
        "00cbc000000000000000c33d3ecb3fe0000000000000cb3fc000000000000091a8737072696e672f6147"
        "4849cb4052a000000000004ba5656d61696cc4046d6f7265c39198a6636f6c6f7273a37265644cc34dcb"
        "4053a00000000000cb4053e00000000000cb3fe000000000000050519452535455569257c381a4636172"
        "74969158595a5b5c919361a5626f6f747381a57072696365cb40230000000000005d5e81af4f72646572"
        "20436f6d706c657465645f03919260a470757368",
    ),
    (
        Linked(known="known-digest", linked_at=51, received_at=52, recent_ids=b"12345678"),
        "0195a66c696e6b6564ac6b6e6f776e2d6469676573743334c4083132333435363738",
    ),
    (Suppressed(erased_at=53), "0192aa7375707072657373656435"),
]
STEPS = [Step(7, "boots", "view"), Step(8, "hat", "cart"), Step(9, "tent", "order")]
STEPS_BYTES = "939307a5626f6f7473a4766965779308a3686174a4636172749309a474656e74a56f72646572"
SNAPSHOT = Snapshot(
    position=61,
    table="t-1",
    n_blocks=62,
    random=63,
    n_trained=64,
    weights=b"\x00\x01",
    checksum=crc32(b"\x00\x01"),
    shape=(64, 32, 64),
)
SNAPSHOT_BYTES = (
    "89a8706f736974696f6e3da57461626c65a3742d31a86e5f626c6f636b733ea672616e646f6d3fa96e5f7472"
    "61696e656440a777656967687473c4020001a8636865636b73756dce36de2269a5736861706593402040a776"
    "657273696f6e01"
)
BLOCK = Block(["boots", ""], np.arange(2 * DIMENSIONS, dtype=np.float16).tobytes())
BLOCK_BYTES = "92" + "92a5626f6f7473a0" + f"c5{len(BLOCK.vectors):04x}" + BLOCK.vectors.hex()
COMMIT = Commit(offset="17-2", seq=3, worker="w-1", clock=4, sources={7: "18-5"})
COMMIT_BYTES = (
    b'{"version":1,"offset":"17-2","seq":3,"worker":"w-1","clock":4,"sources":{"7":"18-5"}}'
)


def kind_of(value: object) -> str:
    """Return what a case is called."""
    return "" if isinstance(value, str) else type(value).__name__


@pytest.mark.parametrize(("entry", "golden"), ENTRIES, ids=kind_of)
def test_an_entry_reads_as_it_was_written(entry: Entry, golden: str) -> None:
    assert decode_entry(bytes.fromhex(golden)) == entry


@pytest.mark.parametrize(("example", "golden"), EXAMPLES, ids=kind_of)
def test_an_example_reads_as_it_was_written(example: Example, golden: str) -> None:
    assert decode_examples(b"\x91" + bytes.fromhex(golden)) == [example]


@pytest.mark.parametrize(
    ("user", "golden"), USERS, ids=[f"{kind_of(user)}-{n}" for n, (user, _) in enumerate(USERS)]
)
def test_a_user_reads_as_it_was_written(user: User, golden: str) -> None:
    assert decode_user(bytes.fromhex(golden)) == user


def test_a_commit_reads_as_it_was_written() -> None:
    assert decode_commit(COMMIT_BYTES) == COMMIT
    with_products = COMMIT_BYTES[:-1] + b',"products":"19-6"}'
    assert decode_commit(with_products) == msgspec.structs.replace(COMMIT, products="19-6")


def test_steps_read_as_they_were_written() -> None:
    assert decode_steps(bytes.fromhex(STEPS_BYTES)) == STEPS


def test_a_snapshot_reads_as_it_was_written() -> None:
    assert msgspec.msgpack.decode(bytes.fromhex(SNAPSHOT_BYTES), type=Snapshot) == SNAPSHOT


def test_a_block_of_vectors_reads_as_it_was_written() -> None:
    names, vectors = read_block(bytes.fromhex(BLOCK_BYTES))
    assert names == BLOCK.names
    assert vectors.ravel().tolist() == list(range(2 * DIMENSIONS))


def test_every_kind_has_its_golden_bytes() -> None:
    assert {type(entry) for entry, _ in ENTRIES} == set(get_args(Entry))
    assert {type(example) for example, _ in EXAMPLES} == set(get_args(Example))
    assert {type(user) for user, _ in USERS} == set(get_args(User))
