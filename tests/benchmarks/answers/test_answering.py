"""From question to answer, by the passages' own sentences and by models, judged and not."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.answers.answered import Spent
from benchmarks.answers.answering import Answering, answering_of, ask
from benchmarks.errors import SuiteError
from benchmarks.gateway.bedrock import Bedrock
from benchmarks.records import Record, RunKey
from benchmarks.suite import load_suite
from generation.gateway import Gateway
from generation.records.reader import read_records
from indexers.embedding import MiniLM
from retrieval.answering import Question, Quoting
from retrieval.answering.answer import Answer
from retrieval.answering.writing import Writing, Written
from tests.benchmarks.answers.asking import SUITE, opened
from tests.benchmarks.answers.conftest import Answers
from tests.retrieval.answering.passages import passage

PAUSE = "You can pause your plan for up to three boxes. Open the app and choose Pause."
MINILM = MiniLM()


@pytest.fixture(scope="module")
def gateway(bedrock: Bedrock, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "for-tests")
        with opened(bedrock, tmp_path_factory.mktemp("gateway")) as made:
            yield made


def answering(tmp_path: Path, more: str, gateway: Gateway | None = None) -> Answering:
    path = tmp_path / "suite.yaml"
    path.write_text(f"{SUITE}{more}\n", encoding="utf-8")
    spec = load_suite(path).answering
    assert spec is not None
    return answering_of(spec, gateway)


def asked(text: str = "how do I pause my plan", *texts: str) -> Question:
    found = [passage(one, start=100 * at) for at, one in enumerate(texts)]
    return Question(text=text, passages=found, embedder=MINILM)


def test_a_quoted_answer_costs_nothing(tmp_path: Path) -> None:
    (answerer,) = answering(tmp_path, "answerers: [extractive]").answerers.values()
    given = ask(answerer, asked("how do I pause my plan", PAUSE))
    assert given.text == "You can pause your plan for up to three boxes."
    assert (given.refused, given.failed, given.cited) == (False, None, (1,))
    assert (given.spent.cost_nano, given.target, given.attempts) == (0, None, 0)
    assert given.first_token_ms is None
    assert given.total_ms > 0


def test_a_models_answer_has_what_it_took(gateway: Gateway, tmp_path: Path) -> None:
    answerer = answering(tmp_path, "answerers: [answer]", gateway).answerers["answer"]
    given = ask(answerer, asked("how do I pause my plan", PAUSE, "Hold the button."))
    assert given.text == PAUSE
    # There is no ninth passage.
    assert given.cited == (1, 9)
    assert given.spent is not None
    assert given.spent.tokens_out == len(PAUSE.split()) + 1
    assert given.spent.cost_nano == 1_000 * (given.spent.tokens_in + 4 * given.spent.tokens_out)
    assert (given.target, given.attempts) == ("up", 1)
    assert given.call_id
    assert given.first_token_ms is not None
    assert 0 < given.first_token_ms <= given.total_ms


def test_a_model_may_refuse(gateway: Gateway, tmp_path: Path) -> None:
    answerer = answering(tmp_path, "answerers: [answer]", gateway).answerers["answer"]
    given = ask(answerer, asked("zebra crossing", PAUSE))
    assert (given.text, given.refused, given.cited) == ("", True, ())
    assert given.reason == "the model found no answer in the passages"
    assert given.spent is not None
    assert given.spent.cost_nano > 0


def test_nothing_is_sent_where_nothing_was_found(gateway: Gateway, tmp_path: Path) -> None:
    answerer = answering(tmp_path, "answerers: [answer]", gateway).answerers["answer"]
    given = ask(answerer, asked("how do I pause my plan"))
    assert (given.refused, given.target, given.first_token_ms) == (True, None, None)


def test_a_call_that_fails_is_no_answer_with_its_reason(gateway: Gateway, tmp_path: Path) -> None:
    answerer = answering(tmp_path, "answerers: [down]", gateway).answerers["down"]
    given = ask(answerer, asked("how do I pause my plan", PAUSE))
    assert (given.text, given.refused, given.spent) == ("", False, Spent())
    assert given.declined
    assert (given.failed or "").startswith("RejectedError: down: ")


def test_settings_of_an_answerer_are_its_own(tmp_path: Path) -> None:
    found = answering(tmp_path, "answerers: {one: {max_sentences: 1, min_answerable: 0}, two: {}}")
    one, two = found.answerers.values()
    assert isinstance(one, Quoting)
    assert isinstance(two, Quoting)
    assert (one.extractive.max_sentences, one.extractive.min_answerable) == (1, 0.0)
    assert two.extractive == Quoting().extractive


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("answerers: [rewrite]", r":8: answerer 'rewrite': the gateway has no use case 'rewrite' .*"
         "it has: answer, down"),
        ("answerers: [judge]", r":8: answerer 'judge': .* takes a question and passages; it has: "),
        ("answerers: {bot: {use_case: chat}}", r":8: answerer 'bot': .* no use case 'chat'"),
        ("answerers: {a: {max_words: 1}}", r":8: unknown key 'max_words'; valid keys: margin, "),
        ("answerers: {a: {ranking: {}}}", r":8: unknown key 'ranking'"),
        ("answerers: {a: {max_sentences: 0}}", r":8: 'max_sentences' and 'max_tokens' are whole"),
        ("answerers: [answer]\njudge: nobody", r":9: 'judge': no use case 'nobody'; there are ans"),
        ("answerers: [answer]\njudge: answer", r":9: 'judge': use case 'answer': its prompt is "),
    ],
)  # fmt: skip
def test_who_cannot_answer_or_judge_is_named_with_the_line(
    gateway: Gateway, tmp_path: Path, more: str, message: str
) -> None:
    with pytest.raises(SuiteError, match=message):
        answering(tmp_path, more, gateway)


def test_every_answerer_answers_each_question_in_order(
    gateway: Gateway, tmp_path: Path, answers: Answers
) -> None:
    more = "answerers: [extractive, answer]\nat_once: 4"
    found = answering(tmp_path, more, gateway)
    questions = [
        (answers(query_id=f"q{number}"), asked("how do I pause", f"Choose Pause, box {number}."))
        for number in range(12)
    ]
    records = [record for of_question in found.each(questions) for record in of_question]
    assert [(record.query_id, record.answerer) for record in records] == [
        (f"q{number}", name) for number in range(12) for name in ("extractive", "answer")
    ]
    texts = [record.given.text for record in records if record.given]
    assert texts == [f"Choose Pause, box {number}." for number in range(12) for _ in range(2)]
    assert all(record.verdicts is None for record in records)


class _Meeting:
    """An answerer that answers when as many questions are asked at once as it waits for."""

    name = "meeting"

    def __init__(self, at_once: int) -> None:
        self.barrier = threading.Barrier(at_once)
        self.asked: list[str] = []

    def write(self, question: Question) -> Writing:
        self.asked.append(question.text)
        return Writing(self._pieces())

    def _pieces(self) -> Any:
        yield from ()
        self.barrier.wait(30)
        return Written(answer=Answer.declined("met"), answerer=self.name)


def test_as_many_questions_are_answered_at_once_as_declared(answers: Answers) -> None:
    meeting = _Meeting(3)
    found = Answering(answerers={"meeting": meeting}, at_once=3)
    questions = ((answers(query_id=str(n)), asked(str(n))) for n in range(6))
    assert [record.query_id for (record,) in found.each(questions)] == list("012345")


def test_answers_under_way_at_ctrl_c_come_before_it(answers: Answers) -> None:
    def questions() -> Iterator[tuple[Record, Question]]:
        for n in range(5):
            yield answers(query_id=str(n)), asked(str(n))
        raise KeyboardInterrupt

    found = Answering(answerers={"one": Quoting(), "two": Quoting()}, at_once=4)
    records = found.each(questions())
    came = [record.asked for _ in range(5) for record in next(records)]
    with pytest.raises(KeyboardInterrupt):
        next(records)
    assert came == [
        (RunKey("help", "b", "s", name), str(n)) for n in range(5) for name in found.answerers
    ]


def test_only_answers_that_are_missing_are_asked_for(answers: Answers) -> None:
    found = Answering(answerers={"one": Quoting(), "two": Quoting()})
    done = {(RunKey("help", "b", "s", "one"), "q1")}
    (records,) = found.each([(answers(query_id="q1"), asked("how"))], done)
    assert [record.answerer for record in records] == ["two"]


def test_who_gives_up_stops_the_asking(answers: Answers) -> None:
    meeting = _Meeting(1)
    found = Answering(answerers={"meeting": meeting}, at_once=2)
    records = found.each((answers(query_id=str(n)), asked(str(n))) for n in range(100))
    next(records)
    records.close()  # type: ignore[attr-defined]
    assert len(meeting.asked) <= 3


def judged(found: Answering, record: Record, question: Question) -> Record:
    ((given,),) = found.each([(record, question)])
    return given


def test_a_judge_says_whether_an_answer_is_faithful_and_how_correct(
    gateway: Gateway, tmp_path: Path, answers: Answers
) -> None:
    found = answering(tmp_path, "answerers: [extractive]\njudge: judge", gateway)
    record = answers(answers=("Choose Pause.", "In the app."), returned=[("guide", 0, 9)])
    verdicts = judged(found, record, asked("how do I pause my plan", PAUSE)).verdicts
    assert verdicts is not None
    assert {name: (said.score, said.feedback) for name, said in verdicts.items()} == {
        "faithfulness": (1.0, "YES"),
        "correctness": (4.5, "4.5\nThe same in more words."),
    }
    assert all(said.spent.cost_nano > 0 and said.failed is None for said in verdicts.values())
    assert verdicts["faithfulness"].spent.tokens_out == 1


def test_the_judge_is_shown_the_question_the_passages_and_the_references(
    bedrock: Bedrock, tmp_path: Path, answers: Answers
) -> None:
    with opened(bedrock, tmp_path) as own:
        found = answering(tmp_path, "answerers: [extractive]\njudge: judge", own)
        record = answers(
            question="how do I {pause}?",
            answers=("Choose Pause.", "In the app."),
            returned=[("guide", 0, 9)],
        )
        given = judged(found, record, asked("how do I pause my plan", PAUSE)).given
    rows = read_records(tmp_path / "records")
    faithful, correct = (row["prompt"]["inputs"]["prompt"] for row in rows)
    assert given is not None
    assert f"Information: {given.text}\nContext: t\nAnswer: " in faithful
    assert "## User Query\nhow do I {pause}?" in correct
    assert "## Reference Answer\nChoose Pause.\n\n(or)\n\nIn the app." in correct
    assert f"## Generated Answer\n{given.text}" in correct


def test_what_is_no_verdict_and_who_gives_none_are_told_apart(
    gateway: Gateway, tmp_path: Path, answers: Answers
) -> None:
    record = answers(answers=("Press it.",), returned=[("guide", 0, 9)])
    question = asked("how do I pause my plan", PAUSE)
    found = answering(tmp_path, "answerers: [extractive]\njudge: judge", gateway)
    verdicts = judged(found, record, question).verdicts
    assert verdicts is not None
    correctness = verdicts["correctness"]
    assert (correctness.score, correctness.failed) == (None, None)
    assert correctness.feedback == "I would rather not say."
    found = answering(tmp_path, "answerers: [extractive]\njudge: judge_down", gateway)
    verdicts = judged(found, record, question).verdicts
    assert verdicts is not None
    assert {said.score for said in verdicts.values()} == {None}
    assert all((said.failed or "").startswith("RejectedError") for said in verdicts.values())


def test_what_was_not_answered_is_not_judged(
    gateway: Gateway, tmp_path: Path, answers: Answers
) -> None:
    found = answering(tmp_path, "answerers: [extractive]\njudge: judge", gateway)
    assert judged(found, answers(answers=("Press it.",)), asked("how")).verdicts == {}


def test_without_a_reference_only_faithfulness_is_judged(
    gateway: Gateway, tmp_path: Path, answers: Answers
) -> None:
    found = answering(tmp_path, "answerers: [extractive]\njudge: judge", gateway)
    question = asked("how do I pause my plan", PAUSE)
    verdicts = judged(found, answers(returned=[("guide", 0, 9)]), question).verdicts
    assert list(verdicts or {}) == ["faithfulness"]
