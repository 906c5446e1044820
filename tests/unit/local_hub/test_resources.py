"""The resource forms that Local Hub takes."""

import pytest

from local_hub.hub.resources import InvalidResource, parse_resource


@pytest.mark.parametrize(
    ("text", "kind", "owner"),
    [
        ("acme/m", "model", "acme"),
        ("datasets/acme/d", "dataset", "acme"),
        ("spaces/acme/s", "space", "acme"),
        ("kernels/acme/k", "kernel", "acme"),
        ("buckets/acme/b", "bucket", "acme"),
        ("gpt2", "user", "gpt2"),
        ("a" * 96 + "/" + "b._-c", "model", "a" * 96),
    ],
)
def test_each_form_has_its_kind_and_owner(text: str, kind: str, owner: str) -> None:
    """Every documented form is read, and written back unchanged."""
    resource = parse_resource(text)
    assert (resource.kind, resource.owner, str(resource)) == (kind, owner, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "acme/",
        "/m",
        "models/acme/m",
        "dataset/acme/d",
        "datasets/d",
        "datasets",
        "datasets/acme/d/x",
        "acme/m\n",
        "acme/m ",
        "acme/m.git",
        "ac--me/m",
        "acme/m..n",
        "a" * 97,
        "acme/mö",
        "https://huggingface.co/acme/m",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    """What is not exactly a form is no resource."""
    with pytest.raises(InvalidResource):
        parse_resource(text)
