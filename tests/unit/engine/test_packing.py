"""Packing: what comes out is what went in."""

from hypothesis import given
from hypothesis import strategies as st

from aisearch_operator.engine.packing import pack, unpack

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_what_was_packed_comes_out_as_it_went_in(value):
    assert unpack(pack(value)) == value


def test_what_comes_out_is_nobody_elses():
    packed = pack({"conditions": ["Ready"]})

    unpack(packed)["conditions"].clear()

    assert unpack(packed) == {"conditions": ["Ready"]}


def test_what_has_not_changed_is_not_packed_again():
    last = pack({"state": "ready"})

    assert pack({"state": "ready"}, last) is last
    assert unpack(pack({"state": "waiting"}, last)) == {"state": "waiting"}
