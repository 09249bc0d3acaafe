"""Files of real events become Segment events in a stable order."""

from loadtest.formats import Format, Reading, read_events

REES46_HEADER = (
    b"event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
)


def names(reading: Reading) -> list[str]:
    return [timed.event["event"] for timed in reading.events]


def test_taobao_behaviours_become_ecommerce_events() -> None:
    rows = [f"7,11,3,{kind},1511544070".encode() for kind in ("pv", "cart", "fav", "buy")]
    reading = read_events(rows, Format.TAOBAO815)
    assert names(reading) == [
        "Product Viewed",
        "Product Added",
        "Product Added to Wishlist",
        "Order Completed",
    ]
    assert reading.events[3].event == {
        "type": "track",
        "event": "Order Completed",
        "messageId": "taobao815-4",
        "userId": "7",
        "timestamp": "2017-11-24T17:21:10.000Z",
        "receivedAt": "2017-11-24T17:21:10.000Z",
        "properties": {
            "order_id": "taobao815-4",
            "products": [{"product_id": "11", "category": "3", "quantity": 1}],
        },
    }


def test_events_of_one_second_keep_the_order_of_their_lines() -> None:
    rows = [b"1,1,1,pv,200", b"2,2,1,pv,100", b"1,3,1,pv,100"]
    assert [timed.line for timed in read_events(rows, Format.TAOBAO815).events] == [2, 3, 1]


def test_unreadable_lines_are_listed_and_the_rest_is_read() -> None:
    rows = [
        b"1,1,1,pv,100",
        b"\xff\xfe,1,1,pv,100",
        b"1,1,1,stare,100",
        b"1,1,1,pv,soon",
        b"1,1,1,pv,99999999999999",
        b",1,1,pv,100",
        b"",
    ]
    reading = read_events(rows, Format.TAOBAO815)
    assert len(reading.events) == 1
    assert [unreadable.line for unreadable in reading.unreadable] == [2, 3, 4, 5, 6, 7]


def test_rees46_purchase_is_an_order_with_its_revenue() -> None:
    row = b"2019-10-01 00:00:00 UTC,purchase,44,21,,shiseido,35.79,541,s\n"
    (timed,) = read_events([REES46_HEADER, row], Format.REES46).events
    assert timed.event["properties"] == {
        "order_id": "rees46-2",
        "revenue": 35.79,
        "products": [
            {
                "product_id": "44",
                "category": "21",
                "brand": "shiseido",
                "price": 35.79,
                "quantity": 1,
            }
        ],
    }


def test_rees46_prefers_the_category_code_and_leaves_out_what_is_empty() -> None:
    row = b"2019-10-01 00:00:00 UTC,view,44,21,computers.notebook,,,541,s\n"
    (timed,) = read_events([REES46_HEADER, row], Format.REES46).events
    assert timed.event["properties"] == {"product_id": "44", "category": "computers.notebook"}


def test_rees46_rows_cut_short_are_unreadable() -> None:
    reading = read_events([REES46_HEADER, b"2019-10-01 00:00:00 UTC,view\n"], Format.REES46)
    assert [unreadable.line for unreadable in reading.unreadable] == [2]


def test_rees46_without_its_header_names_the_missing_column() -> None:
    reading = read_events([b"a,b\n", b"1,2\n"], Format.REES46)
    assert reading.unreadable[0].why == "column 'event_time' is missing"


def test_segment_lines_keep_their_fields_and_get_an_id() -> None:
    rows = [
        b'{"type":"track","event":"b","timestamp":"2020-01-01T00:00:01Z"}',
        b"",
        b'{"type":"track","event":"a","messageId":"m","timestamp":"2020-01-01T00:00:00+00:00"}',
        b'{"type":"track","event":"c"}',
        b"[1]",
        b"{",
    ]
    reading = read_events(rows, Format.SEGMENT)
    assert names(reading) == ["a", "b"]
    assert [timed.event["messageId"] for timed in reading.events] == ["m", "segment-1"]
    assert reading.events[1].event["receivedAt"] == "2020-01-01T00:00:01.000Z"
    assert [unreadable.line for unreadable in reading.unreadable] == [4, 5, 6]


def test_limit_counts_lines_of_the_file() -> None:
    rows = [b"1,1,1,pv,300", b"1,2,1,pv,200", b"1,3,1,pv,100"]
    assert [timed.line for timed in read_events(rows, Format.TAOBAO815, limit=2).events] == [2, 1]
