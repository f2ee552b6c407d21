import pytest

from exchanges.bitex.models.jsonapi import MAX_DEPTH, build_resource, compact, expand, flatten
from exchanges.wire import Deviation

SUSAN = {"id": 5, "type": "users", "attributes": {"name": "Susan Doe"}}


def referring(number, **links):
    """Build an order that refers to others, as on the wire."""
    related = {name: {"data": data} for name, data in links.items()}
    return {"id": number, "type": "orders", "attributes": {"amount": 1}, "relationships": related}


def ref(number, kind="users"):
    """Build a reference."""
    return {"id": number, "type": kind}


class TestExpanding:
    def test_a_reference_becomes_what_it_refers_to(self):
        """An included resource replaces its reference, whether its id is a number or text."""
        whole = expand({"data": referring("1", user=ref("5")), "included": [SUSAN]})

        assert {"data": {**referring("1"), "relationships": {"user": SUSAN}}} == whole

    def test_lists(self):
        """A relationship to many becomes a list, one to none becomes None or an empty list."""
        whole = expand({"data": [referring(1, users=[ref(5), ref(5)], boss=None, peers=[])], "included": [SUSAN]})

        assert {"users": [SUSAN, SUSAN], "boss": None, "peers": []} == whole["data"][0]["relationships"]

    def test_through_others(self):
        """An included resource may refer to another one."""
        part = {"id": 1, "type": "outputs", "relationships": {"user": {"data": ref(5)}}}

        whole = expand({"data": referring(1, outputs=[ref(1, "outputs")]), "included": [part, SUSAN]})

        assert SUSAN == whole["data"]["relationships"]["outputs"][0]["relationships"]["user"]

    def test_not_included(self):
        """A resource that is not included stays a type and an id."""
        whole = expand({"data": referring(1, user=ref(9)), "included": [SUSAN]})

        assert ref(9) == whole["data"]["relationships"]["user"]

    def test_a_ring(self):
        """A resource that leads back to itself stays a reference there."""
        one = {"id": 1, "type": "users", "relationships": {"friend": {"data": ref(2)}}}
        two = {"id": 2, "type": "users", "relationships": {"friend": {"data": ref(1)}}}

        whole = expand({"data": referring(1, user=ref(1)), "included": [one, two]})

        friend = whole["data"]["relationships"]["user"]["relationships"]["friend"]
        assert {"friend": ref(1)} == friend["relationships"]

    def test_nothing_about_nothing(self):
        """A document without resources stays empty, and keeps its other members."""
        assert {"data": [], "meta": {"pages": 0}} == expand({"data": [], "included": [], "meta": {"pages": 0}})

    @pytest.mark.parametrize(
        "document",
        [
            {},
            {"data": None},
            {"data": "x"},
            {"data": [1]},
            {"data": {"id": 1}},
            {"data": {"type": "users"}},
            {"data": {"id": None, "type": "users"}},
            {"data": {"id": 1.5, "type": "users"}},
            {"data": {"id": True, "type": "users"}},
            {"data": [], "included": {}},
            {"data": [], "included": [1]},
            {"data": {"id": 1, "type": "users", "relationships": []}},
            {"data": {"id": 1, "type": "users", "relationships": {"user": 5}}},
            {"data": {"id": 1, "type": "users", "relationships": {"user": {"data": 5}}}},
        ],
    )
    def test_another_shape(self, document):
        """Anything but a document is a deviation."""
        with pytest.raises(Deviation):
            expand(document)

    def test_a_deep_document(self):
        """A chain of references is followed to a bounded depth."""
        chain = [
            {"id": n, "type": "users", "relationships": {"next": {"data": ref(n + 1)}}} for n in range(MAX_DEPTH + 2)
        ]

        with pytest.raises(Deviation) as caught:
            expand({"data": referring(1, user=ref(0)), "included": chain})
        assert "bounded size" in caught.value.expected

    def test_a_small_document_that_would_grow(self):
        """References to the same resources, level by level, do not multiply without bound."""
        levels = [{"id": n, "type": "users", "relationships": {"next": {"data": [ref(n + 1)] * 100}}} for n in range(5)]

        with pytest.raises(Deviation) as caught:
            expand({"data": referring(1, user=ref(0)), "included": levels})
        assert "bounded size" in caught.value.expected


class TestCompacting:
    @pytest.mark.parametrize(
        "document",
        [
            {"data": []},
            {"data": SUSAN},
            {"data": referring(1, user=ref(5), boss=None), "included": [SUSAN]},
            {"data": [referring(1, users=[ref(5)]), referring(2, users=[ref(5)])], "included": [SUSAN]},
            {"data": referring(1, user=ref(9))},
            {
                "data": referring(1, parts=[ref(1, "outputs"), ref(2, "outputs")]),
                "included": [
                    {"id": 1, "type": "outputs", "relationships": {"user": {"data": ref(5)}}},
                    {"id": 2, "type": "outputs", "relationships": {"user": {"data": ref(5)}}},
                    SUSAN,
                ],
            },
        ],
    )
    def test_is_the_way_back(self, document):
        """Compacting an expanded document returns the document, each resource included once and the nearest first."""
        assert document == compact(expand(document))


class TestResources:
    def test_flatten(self):
        """Id, attributes and relationships become fields of one object."""
        item = {**SUSAN, "relationships": {"boss": None}}

        assert {"id": 5, "name": "Susan Doe", "boss": None} == flatten(item, "users")

    def test_back(self):
        """Fields become a resource again, with relationships separated from attributes."""
        made = build_resource({"id": 1, "amount": 2, "user": SUSAN}, "orders", ("user", "boss"))

        assert {"id": 1, "type": "orders", "attributes": {"amount": 2}, "relationships": {"user": SUSAN}} == made

    def test_another_type(self):
        """A resource of another type is a deviation that names the expected type."""
        with pytest.raises(Deviation) as caught:
            flatten(SUSAN, "orders")

        assert "a resource of type orders" == caught.value.expected

    def test_other_members_stay(self):
        """Members beside the documented ones stay, so that strict clients see them."""
        assert {"id": 5, "name": "Susan Doe", "links": {}} == flatten({**SUSAN, "links": {}}, "users")
