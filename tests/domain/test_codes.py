import pytest

from shortlinks.domain.links import codes

CODE = "AbcdefGHJKLm"


def test_a_new_code_is_twelve_characters_of_base58() -> None:
    made = {codes.generate() for _ in range(1000)}

    assert len(made) == 1000
    assert all(codes.from_path(f"/{code}") == code for code in made)
    assert set("".join(made)) == set(codes.ALPHABET)


@pytest.mark.parametrize(
    "glued", ["", "/", ".", ",", ")", ").", "…", "»", '"', "!", "/)"]
)
def test_what_a_messenger_glues_to_the_end_is_tolerated(glued: str) -> None:
    assert codes.from_path(f"/{CODE}{glued}") == CODE


@pytest.mark.parametrize(
    "path",
    ["/", "", "/wp-login.php", f"/{CODE}x", f"/{CODE[:-1]}", f"/x/{CODE}", f"/{CODE}/x",
     "/AbcdefGHJKL0", "/AbcdefGHJKLО", f"/{CODE}\n", f"//{CODE}", "/" + "a" * 5000],
)  # fmt: skip
def test_any_other_path_names_no_link(path: str) -> None:
    assert codes.from_path(path) is None
