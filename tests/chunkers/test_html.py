import time

import pytest

from chunkers import BlockKind, ExtractError, Format, extract
from tests.chunkers.samples import assert_blocks_tile, block_texts, content, html

PAGE = """<!doctype html><html lang="en-GB"><head><title>Pause a plan | Acme</title>
<link rel="canonical" href="https://help.acme.test/pause"><style>p {color: red}</style></head>
<body><div id="cookie-banner">We use cookies</div><header><nav>Home</nav></header>
<main><header><h1>Pause a <em>plan</em></h1></header>
<p>You can   pause &amp; resume&nbsp;a plan<br>from <a href="/billing">Billing</a>.</p>
<aside>Popular articles</aside><form><label>Search</label><input></form>
<p hidden>secret</p><p aria-hidden="true">icon</p><script>track()</script>
<h2>Steps</h2><ol start="2"><li>Open Billing<ul><li>as an owner</li></ul></li><li><p>Choose</p>
<pre><code class="language-sh">acme pause
  --now</code></pre></li></ol></main><footer>© Acme</footer></body></html>"""


def test_a_help_page_reads_as_its_article() -> None:
    document = extract(content(PAGE, Format.HTML))
    assert block_texts(document) == [
        ("heading", "# Pause a plan"),
        ("paragraph", "You can pause & resume a plan\nfrom Billing."),
        ("heading", "## Steps"),
        (
            "list",
            "2. Open Billing\n   - as an owner\n3. Choose\n"
            "   ```sh\n   acme pause\n     --now\n   ```",
        ),
    ]
    assert document.title == "Pause a plan"
    assert document.url == "https://help.acme.test/pause"
    assert document.locale == "en-GB"
    assert_blocks_tile(document)


def test_the_source_knows_title_and_url_best() -> None:
    source = content(PAGE, Format.HTML, title="Pausing", url="https://acme.test/1")
    document = extract(source)
    assert (document.title, document.url) == ("Pausing", "https://acme.test/1")


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("<title>From the head</title><p>x</p>", "From the head"),
        ("<h1>Logo</h1><main><p>x</p></main>", "Logo"),
        ("<p>x</p>", ""),
    ],
)
def test_title_falls_back(page: str, title: str) -> None:
    assert html(page).title == title


def test_tables_become_pipe_tables() -> None:
    page = """<table><caption>Prices</caption><thead><tr><th>Plan</th><th>Price</th></tr></thead>
    <tr><td rowspan="2">A|B</td><td>1<br>2</td></tr><tr><td><ul><li>x</li><li>y</li></ul></td></tr>
    <tr><td colspan="2">All</td></tr></table>"""
    assert block_texts(html(page)) == [
        ("paragraph", "**Prices**"),
        (
            "table",
            "| Plan | Price |\n| --- | --- |\n| A\\|B | 1 2 |\n| A\\|B | x y |\n| All |  |",
        ),
    ]


def test_layout_tables_are_only_a_frame() -> None:
    page = """<table><tr><td><h2>Help</h2><p>One</p><table><tr><th>a<th>b<tr><td>1<td>2</table>
    </td></tr></table>"""
    kinds = [kind for kind, _ in block_texts(html(page))]
    assert kinds == ["heading", "paragraph", "table"]


def test_callouts_quotes_details_definitions_images() -> None:
    page = """<div class="callout callout-warning"><p>Careful</p><p>Really</p></div>
    <blockquote>Said</blockquote><details><summary>Why?</summary><p>So.</p></details>
    <dl><dt>Owner</dt><dd>Pays</dd></dl><p><img src="a.png" alt="The  Billing page"></p>"""
    assert block_texts(html(page)) == [
        ("quote", "> Careful\n>\n> Really"),
        ("quote", "> Said"),
        ("paragraph", "**Why?**"),
        ("paragraph", "So."),
        ("list", "- Owner: Pays"),
        ("paragraph", "[image: The Billing page]"),
    ]


def test_closed_accordions_keep_their_text() -> None:
    assert "Answer" in html('<h2>Q</h2><div hidden="until-found">Answer</div>').text


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("bare text in <b>b</b>ody", "bare text in body"),
        ("<div>one<div>two</div>three</div>", "one\n\ntwo\n\nthree"),
        ("<p>one<p>two", "one\n\ntwo"),
        ("<ul><li>a<li>b", "- a\n- b"),
        ("<ul><li>a</li><ul><li>b</li></ul></ul>", "- a\n  - b"),
        ("<p>a<!-- comment -->b</p>", "ab"),
        ("<p>soft\u00adhyphen zero\u200bwidth</p>", "softhyphen zerowidth"),
        ("<form><h1>Whole page</h1><p>in a form</p></form>", "# Whole page\n\nin a form"),
        ("<main></main><p>outside</p>", "outside"),
        ("<article>a</article><article>b</article>", "a\n\nb"),
        ('<?xml version="1.0"?><html><body><p>XHTML</p></body></html>', "XHTML"),
    ],
)
def test_nasty_markup(page: str, text: str) -> None:
    assert html(page).text == text


def test_legacy_encodings_need_to_be_declared() -> None:
    page = '<meta charset="iso-8859-1"><p>Café</p>'.encode("latin-1")
    assert extract(content(page, Format.HTML)).text == "Café"
    with pytest.raises(ExtractError, match="not valid UTF-8"):
        extract(content("<p>Café</p>".encode("latin-1"), Format.HTML))
    with pytest.raises(ExtractError, match="nor is it the declared ascii"):
        extract(content('<meta charset="ascii"><p>Café</p>'.encode("latin-1"), Format.HTML))


@pytest.mark.parametrize("name", ["undefined", "punycode", "no-such-encoding", "hex"])
def test_an_encoding_that_no_page_has_is_an_error(name: str) -> None:
    page = f'<meta charset="{name}"><p>Caf'.encode() + b"\xe9"
    with pytest.raises(ExtractError, match=f"not valid UTF-8.*nor is it the declared {name}"):
        extract(content(page, Format.HTML))


@pytest.mark.parametrize("name", ["unicode_escape", "raw_unicode_escape"])
def test_characters_that_text_cannot_hold_are_replaced(name: str) -> None:
    page = f'<meta charset="{name}"><title>\\udfff</title><p>a\\ud800'.encode() + b"\xe9"
    document = extract(content(page, Format.HTML))
    assert (document.title, document.text) == ("\ufffd", "a\ufffdé")


def test_a_page_without_visible_text_is_an_error() -> None:
    with pytest.raises(ExtractError, match="no visible text"):
        html("<html><head><title>App</title></head><body><div id=root></div><script>x</script>")


@pytest.mark.parametrize("tag", ["div", "span", "ul><li", "blockquote", "table><tr><td", "b"])
def test_deep_nesting_is_read_in_full(tag: str) -> None:
    document = html(f"<{tag}>" * 2000 + "deep")
    assert "deep" in document.text
    assert_blocks_tile(document)


def test_time_is_linear_in_the_page() -> None:
    def seconds(paragraphs: int) -> float:
        page = "<h2>T</h2><p>Some <b>words</b> here</p><ul><li>x</li></ul>" * paragraphs
        start = time.perf_counter()
        html(page)
        return time.perf_counter() - start

    seconds(100)
    assert seconds(8000) < 16 * seconds(2000) + 0.5


def test_headings_have_levels() -> None:
    document = html("<h1>a</h1><h4>b</h4>")
    assert [(block.kind, block.level) for block in document.blocks] == [
        (BlockKind.HEADING, 1),
        (BlockKind.HEADING, 4),
    ]
