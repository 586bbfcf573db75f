"""YAML that remembers its lines, read into dataclasses."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from indexers.located import Located, LocatedError, choose, construct, load


@dataclass(frozen=True)
class Oven:
    path: Path
    name: str = "plain"
    degrees: float = 180.0
    minutes: int = 30
    fan: bool = False
    racks: tuple[str, ...] = ()
    timer: int | None = None

    def __post_init__(self) -> None:
        if self.minutes < 1:
            raise ValueError("'minutes' is 1 or more")


def read(folder: Path, text: str) -> Located:
    file = folder / "kitchen.yaml"
    file.write_text(text)
    return load(file)


def error_of(folder: Path, text: str) -> str:
    with pytest.raises(LocatedError) as caught:
        construct(Oven, read(folder, text).mapping("oven"))
    return str(caught.value)


def test_every_field_is_read_with_its_type(tmp_path: Path) -> None:
    text = (
        "oven:\n  kind: oven\n  path: a/b\n  name: big\n  degrees: 200\n  minutes: 5\n"
        "  fan: true\n  racks: [low, high]\n  timer: null\n"
    )
    oven = construct(Oven, read(tmp_path, text).mapping("oven"))
    path = (tmp_path / "a" / "b").resolve()
    assert oven == Oven(path, "big", 200.0, 5, True, ("low", "high"), None)
    assert isinstance(oven.degrees, float)


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    oven = construct(Oven, read(tmp_path, "oven: {path: ../x}\n").mapping("oven"))
    assert oven.path == (tmp_path.parent / "x").resolve()
    oven = construct(Oven, read(tmp_path, "oven: {path: /etc/x}\n").mapping("oven"))
    assert oven.path == Path("/etc/x")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (
            "oven:\n  path: x\n  colour: red\n",
            3,
            "unknown key 'colour'; valid keys: degrees, fan, kind, minutes, name, path, racks, "
            "timer",
        ),
        ("oven:\n  name: x\n", 2, "'path' is missing"),
        ("\n\noven:\n  path: x\n  minutes: soon\n", 5, "'minutes' must be int, not text"),
        ("oven:\n  path: x\n  minutes: true\n", 3, "'minutes' must be int, not true or false"),
        ("oven:\n  path: x\n  minutes: 1.5\n", 3, "'minutes' must be int, not 1.5"),
        ("oven:\n  path: x\n  degrees: hot\n", 3, "'degrees' must be float, not text"),
        ("oven:\n  path: x\n  degrees: .nan\n", 3, "'degrees' must be float, not nan"),
        ("oven:\n  path: x\n  degrees: .inf\n", 3, "'degrees' must be float, not inf"),
        ("oven:\n  path: x\n  fan: 1\n", 3, "'fan' must be bool, not 1"),
        ("oven:\n  path: [x]\n", 2, "'path' must be Path, not a list"),
        ("oven:\n  path: x\n  name:\n", 3, "'name' must be str, not nothing"),
        ("oven:\n  path: x\n  timer: late\n", 3, "'timer' must be int or NoneType, not text"),
        ("oven:\n  path: x\n  racks: {a: b}\n", 3, "'racks' must be tuple"),
        ("oven:\n  path: x\n  racks: [[a]]\n", 3, "'racks' must be a list of str, not a list"),
        ("oven:\n  path: x\n  racks: [a, 3]\n", 3, "'racks' must be a list of str, not 3"),
        ("oven:\n  path: x\n  minutes: 0\n", 2, "'minutes' is 1 or more"),
        ("oven:\n  path: x\n  path: y\n", 3, "'path' is there twice"),
        ("oven: nothing to say\n", 1, "'oven' must be a mapping, not text"),
        ("- oven\n", 1, "the top level must be a mapping"),
        ("", 1, "the top level must be a mapping"),
        ("oven:\n  path: x\n  name: !cake sponge\n", 3, "'sponge' is not valid YAML"),
        ("oven:\n  path: x\n  name: 2026-13-45\n", 3, "'2026-13-45' is not valid YAML"),
        ("oven:\n  path: x\n  fan: !!bool maybe\n", 3, "'maybe' is not valid YAML"),
        ("oven:\n  path: x\n  name: !!timestamp x\n", 3, "'x' is not valid YAML"),
        ("oven:\n  path: x\n  minutes: !!int ''\n", 3, "'' is not valid YAML"),
        ("oven:\n  path: x\n  racks: !!seq low\n", 3, "'low' is not valid YAML"),
    ],
)
def test_an_error_names_file_line_and_key(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    found = error_of(tmp_path, text)
    assert found.startswith(f"{tmp_path / 'kitchen.yaml'}:{line}: ")
    assert message in found


def test_broken_yaml_is_located(tmp_path: Path) -> None:
    assert "line 2" in error_of(tmp_path, "oven: {path: x\nname: [}")


@pytest.mark.parametrize("code", ["00110000", "FFFFFFFF"])
def test_a_character_that_does_not_exist_is_broken_yaml(tmp_path: Path, code: str) -> None:
    assert "kitchen.yaml: not valid YAML" in error_of(tmp_path, f'oven: {{path: "\\U{code}"}}')


def test_yaml_that_holds_itself_is_an_error(tmp_path: Path) -> None:
    assert "an anchor holds itself" in error_of(tmp_path, "oven: &oven\n  path: *oven\n")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LocatedError, match=r"none.yaml: cannot be read: No such file"):
        load(tmp_path / "none.yaml")


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "kitchen.yaml").write_bytes(b"oven: \xff\xfe")
    with pytest.raises(LocatedError, match=r"kitchen.yaml: not valid YAML"):
        load(tmp_path / "kitchen.yaml")


def test_a_choice_lists_the_valid_ones(tmp_path: Path) -> None:
    found = read(tmp_path, "\nheat: steam\n")
    with pytest.raises(LocatedError, match=r":2: unknown heat 'steam'; valid: gas, grill"):
        choose(found, "heat", {"grill": 1, "gas": 2})
    with pytest.raises(LocatedError, match=r"'cold' is missing; valid: gas"):
        choose(found, "cold", {"gas": 2})
    assert choose(found, "cold", {"gas": 2}, "gas") == 2


def test_a_required_key_is_asked_for_by_name(tmp_path: Path) -> None:
    found = read(tmp_path, "\n\nheat: gas\n")
    assert found.require("heat") == "gas"
    with pytest.raises(LocatedError, match=r":3: 'oven' is missing"):
        found.require("oven")
