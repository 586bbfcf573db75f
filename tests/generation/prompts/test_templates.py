"""Which templates there are: those that are shipped, and those of a folder."""

from pathlib import Path

import pytest

from generation.errors import ConfigurationError, PromptError
from generation.prompts.templates import Templates

SHIPPED = Templates.load()

DIGESTS = {
    "answer@1": "bc7c326c28fc4baff4dfc7c2bc9899410786d9a5ef22431a9d6a754695247044",
    "prompt@1": "f0643b8b726eb897f045c9564e4193b20cf0fddb1e50493380ea38ad995ce252",
    "rewrite@1": "2b25a4a55baf94cc47062b8135c5c899fddf17d3aaecb2f8477e3d1b84305adf",
}

GREET = "inputs: {name: text}\nsystem: Be kind.\nuser: 'Hello, {{ name }}!'\n"


def put(folder: Path, name: str, text: str = GREET) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return folder


def test_a_version_that_was_shipped_is_never_changed() -> None:
    # Records name these versions. To change a text, add a version.
    assert {str(template): template.digest for template in SHIPPED} == DIGESTS


def test_the_passages_of_an_answer_are_numbered_and_delimited() -> None:
    passages = [{"text": "Open Settings.", "title": "Pausing"}, {"text": "Choose Pause."}]
    system, (message,) = SHIPPED.get("answer", 1).render(
        {"question": "How do I pause?", "passages": passages}
    )
    assert message.text.startswith(
        '<passages>\n<passage number="1">\n<title>Pausing</title>\nOpen Settings.\n</passage>\n'
        '<passage number="2">\nChoose Pause.\n</passage>\n</passages>\n\n'
        "<question>\nHow do I pause?\n</question>\n"
    )
    assert "NO_ANSWER" in system
    assert "[1]" in system


def test_a_follow_up_comes_with_its_conversation() -> None:
    conversation = [
        {"role": "user", "text": "How do I pause?"},
        {"role": "assistant", "text": "In Settings."},
    ]
    _, (message,) = SHIPPED.get("rewrite", 1).render(
        {"question": "And on Android?", "conversation": conversation}
    )
    assert message.text.startswith(
        '<conversation>\n<turn role="user">\nHow do I pause?\n</turn>\n'
        '<turn role="assistant">\nIn Settings.\n</turn>\n</conversation>\n\n'
        "<newest>\nAnd on Android?\n</newest>\n"
    )


def test_a_folder_adds_ids_and_versions(tmp_path: Path) -> None:
    put(put(put(tmp_path, "greet/1.yaml"), "greet/12.yaml"), "answer/2.yaml")
    put(tmp_path, "greet/README.md", "How we greet.")
    templates = Templates.load(tmp_path)
    names = "answer@1 answer@2 greet@1 greet@12 prompt@1 rewrite@1"
    assert " ".join(map(str, templates)) == names
    assert templates.get("answer", 2).system == "Be kind."


def test_a_folder_may_have_a_copy_of_a_shipped_version_but_not_change_it(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[3] / "generation/prompts/answer/1.yaml"
    text = shipped.read_text(encoding="utf-8")
    Templates.load(put(tmp_path, "answer/1.yaml", f"# A copy.\n{text}"))
    put(tmp_path, "answer/1.yaml", text.replace("be brief", "be very brief"))
    with pytest.raises(
        ConfigurationError, match=r"answer@1 comes with the gateway .* call yours answer@2$"
    ):
        Templates.load(tmp_path)


def test_an_unknown_template_is_said_with_those_there_are() -> None:
    known = "there are answer@1, prompt@1, rewrite@1"
    with pytest.raises(PromptError, match=f"there is no template answer@9; {known}"):
        SHIPPED.get("answer", 9)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere: cannot be read: No such file"):
        Templates.load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name", ["greet.yaml", "greet/one.yaml", "greet/01.yaml", "greet/1.yml", "greet/².yaml"]
)
def test_a_file_that_is_in_the_wrong_place_is_said(tmp_path: Path, name: str) -> None:
    put(tmp_path, name)
    with pytest.raises(PromptError, match=r"\.ya?ml: a template is at <id>/<version>\.yaml"):
        Templates.load(tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("inputs: {", "no valid YAML: "),
        ("- a", "a template is an object; valid keys: inputs, system, user"),
        (f"{GREET}extra: 1", "unknown key 'extra'; valid keys: inputs, system, user"),
        ("inputs: {}", "'user' is missing; valid keys: inputs, system, user"),
        ("user: a", "'inputs' is missing; valid keys: inputs, system, user"),
        ("inputs: {}\nuser: 5", "'user' is not a text"),
        ("inputs: {}\nuser: a\nsystem: [a]", "'system' is not a text"),
        ("inputs: [a]\nuser: a", "'inputs' is an object of names and types"),
        ("inputs: {a: number}\nuser: a", "greet@1: the input 'a' has the type 'number'; valid"),
        ("inputs: {a: [text]}\nuser: a", "greet@1: the input 'a' has the type .*; valid types"),
        ("inputs: {a: text}\nuser: '{{ b }}'", r"greet@1: it uses 'b'; its inputs: a \(text\)"),
    ],
)
def test_a_file_that_is_no_template_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(PromptError, match=rf"greet/1\.yaml: (line 1: )?{said}"):
        Templates.load(put(tmp_path, "greet/1.yaml", text))


def test_a_file_that_is_no_utf_8_is_said(tmp_path: Path) -> None:
    put(tmp_path, "greet/1.yaml")
    (tmp_path / "greet/1.yaml").write_bytes(b"user: \xff")
    with pytest.raises(PromptError, match=r"greet/1\.yaml: no valid YAML: .*utf-8"):
        Templates.load(tmp_path)
