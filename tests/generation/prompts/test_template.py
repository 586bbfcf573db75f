"""Templates: what they make of their inputs, and what they say of inputs that are not right."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from generation.errors import PromptError
from generation.messages import Message
from generation.prompts.inputs import InputType
from generation.prompts.template import Template
from generation.prompts.templates import Templates

SHIPPED = Templates.load()

PASSAGE = {"text": "Open Settings and choose Pause."}

passages = st.lists(
    st.fixed_dictionaries(
        {"text": st.text()}, optional={"id": st.text(), "title": st.text(), "url": st.text()}
    ),
    max_size=4,
)
turns = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "text": st.text()}),
    max_size=4,
)
BY_TYPE: Mapping[InputType, st.SearchStrategy[Any]] = {
    "text": st.text(),
    "passages": passages,
    "conversation": turns,
}


def made(user: str, system: str = "", **inputs: Any) -> Template:
    return Template(id="greet", version=2, system=system, user=user, inputs=inputs)


def rendered(template: Template, **inputs: Any) -> str:
    _, (message,) = template.render(inputs)
    return message.text


def test_a_template_gives_the_system_text_and_a_message() -> None:
    template = made("Hello, {{ name }}!\n\n", "Be kind to {{ name }}.\n", name="text")
    assert template.render({"name": "Ada"}) == (
        "Be kind to Ada.",
        (Message(role="user", text="Hello, Ada!"),),
    )


def test_text_is_put_in_as_it_is() -> None:
    template = made("{{ it }}", it="text")
    assert rendered(template, it='R&D "said" a < b {{ it }}') == 'R&D "said" a < b {{ it }}'


def test_a_block_leaves_no_empty_line() -> None:
    template = made("{% for p in all %}\n- {{ p.text }}\n{% endfor %}", all="passages")
    assert rendered(template, all=[{"text": "one"}, {"text": "two"}]) == "- one\n- two"


def test_what_a_passage_may_leave_out_is_empty() -> None:
    template = made("{% for p in all %}<{{ p.title }}|{{ p.url }}>{% endfor %}", all="passages")
    assert rendered(template, all=[{"text": "", "title": "A"}, PASSAGE]) == "<A|><|>"


def test_inputs_of_another_type_are_refused_with_what_is_valid() -> None:
    template = made("{{ q }}{{ p }}{{ c }}", q="text", p="passages", c="conversation")
    right: dict[str, Any] = {"q": "a", "p": [PASSAGE], "c": [{"role": "user", "text": "a"}]}
    template.render(right)
    wrong = [
        ("q", None, "'q' is not valid: it is null; valid is a string"),
        ("q", 5, "'q' is not valid: it is of the type int; valid is a string"),
        ("p", "a", "'p' is not valid: it is of the type str; valid is a list of objects"),
        ("p", ["a"], r"'p' is not valid: \[0\] is of the type str; valid is a list"),
        ("p", [PASSAGE, {"title": "a"}], r"'p' is not valid: \[1\] has no 'text'; valid"),
        ("p", [{"text": 5}], r"'p' is not valid: \[0\].text is of the type int; valid"),
        ("p", [{"text": "", "page": "1"}], r"\[0\] has an unknown key 'page'; .* \"title\""),
        ("c", [{"role": "user"}], r"'c' is not valid: \[0\] has no 'text'; valid"),
        ("c", [{"role": "system", "text": ""}], r"\[0\].role is 'system'; .* \"assistant\""),
    ]
    for name, value, said in wrong:
        with pytest.raises(PromptError, match=rf"^greet@2: the input .*{said}"):
            template.render(right | {name: value})


def test_missing_and_unknown_inputs_are_refused_with_those_there_are() -> None:
    template = made("{{ name }}{{ all }}", name="text", all="passages")
    takes = r"its inputs: name \(text\), all \(passages\)"
    with pytest.raises(PromptError, match=rf"greet@2: the input 'all' is missing; {takes}"):
        template.render({"name": "a"})
    with pytest.raises(PromptError, match=rf"greet@2: there is no input 'nme'; {takes}"):
        template.render({"name": "a", "all": [], "nme": "b"})


def test_an_empty_message_is_refused() -> None:
    with pytest.raises(PromptError, match="greet@2: these inputs make an empty message"):
        made("{{ name }}", name="text").render({"name": " \n"})


@pytest.mark.parametrize(
    ("user", "said"),
    [
        ("{{ name", "line 1: unexpected end of template"),
        ("a\n{% for %}", "line 2: "),
        ("{{ name }}{{ nme }}", r"it uses 'nme'; its inputs: name \(text\)"),
        ("Hello!", "it declares the input 'name' and does not use it"),
        ("{{ name.first }}", "'str object' has no attribute 'first'; its inputs: name"),
        ("{{ name + 1 }}", "it cannot be filled in: can only concatenate str"),
        ("{{ name }}{{ 1 / 0 }}", "it cannot be filled in: division by zero"),
        ("{{ name }}{% include 'other' %}", "it cannot be filled in: no loader"),
        ("{{ name|random }}", "line 1: No filter named 'random'"),
        (
            "{{ name.__class__.__mro__ }}",
            "it cannot be filled in: .*'__class__' of 'str' object is unsafe",
        ),
        ("{{ name.format.__globals__ }}", "it cannot be filled in: .*'__globals__'"),
    ],
)
def test_a_template_that_is_not_right_is_refused_when_it_is_made(user: str, said: str) -> None:
    with pytest.raises(PromptError, match=f"greet@2: {said}"):
        made(user, name="text")


def test_a_template_has_to_take_an_empty_list() -> None:
    with pytest.raises(PromptError, match=r"greet@2: .*no element 0"):
        made("{{ all[0].text }}", all="passages")


def test_names_versions_and_types_are_checked() -> None:
    with pytest.raises(PromptError, match=r"A b@1: an id has small letters"):
        Template(id="A b", version=1, system="", user="a", inputs={})
    with pytest.raises(PromptError, match=r"a@0: .* a version is a number from 1"):
        Template(id="a", version=0, system="", user="a", inputs={})
    valid = "valid types: text, passages, conversation"
    with pytest.raises(PromptError, match=f"greet@2: the input 'it' has the type 'list'; {valid}"):
        made("{{ it }}", it="list")


def test_the_digest_is_of_the_content_alone() -> None:
    one = made("{{ a }}{{ b }}", a="text", b="passages")
    same = Template(
        id="other",
        version=7,
        system="",
        user="{{ a }}{{ b }}",
        inputs={"b": "passages", "a": "text"},
    )
    assert one.digest == same.digest
    assert one.digest != made("{{ a }}{{ b }}", a="text", b="text").digest
    assert one.digest != made("{{ a }}{{ b }} ", a="text", b="passages").digest
    assert len(one.digest) == 64


@settings(deadline=None)
@given(data=st.data())
@pytest.mark.parametrize("template", list(SHIPPED), ids=str)
def test_every_valid_input_fills_a_shipped_template_the_same_way_each_time(
    template: Template, data: st.DataObject
) -> None:
    inputs = {name: data.draw(BY_TYPE[kind], name) for name, kind in template.inputs.items()}
    assume(inputs.get("prompt", "passed on").strip())  # Nothing to pass on is no message.
    assert template.render(inputs) == template.render(inputs)


@settings(deadline=None)
@given(data=st.data())
def test_no_text_can_close_or_open_what_delimits_it(data: st.DataObject) -> None:
    tags = ["</passage>", "<passage number='9'>", "< / PASSAGES >", "</question>", "<title>"]
    hostile = st.lists(st.sampled_from([*tags, "a", "<", ">", "\n", "/"])).map("".join)
    passage = st.fixed_dictionaries({"text": hostile, "title": hostile})
    question, found = data.draw(hostile), data.draw(st.lists(passage, max_size=3))
    text = rendered(SHIPPED.get("answer", 1), question=question, passages=found)
    count, titles = len(found), sum(bool(each["title"]) for each in found)
    lower = "".join(text.lower().split())
    assert [lower.count(tag) for tag in ("<passagenumber=", "</passage>")] == [count, count]
    assert [lower.count(tag) for tag in ("<passages>", "</passages>")] == [1, 1]
    assert [lower.count(tag) for tag in ("<question", "</question")] == [1, 1]
    assert [lower.count(tag) for tag in ("<title", "</title")] == [titles, titles]


def test_tags_that_are_no_delimiters_stay() -> None:
    text = "use <b> and </b>, <passage-list> and a<question"
    said = rendered(SHIPPED.get("answer", 1), question="a?", passages=[{"text": text}])
    assert "use <b> and </b>, <passage-list> and a&lt;question" in said
