"""What the page says in other languages: whole, by template, by sentence, and never half."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_demo.page.words import (
    ENGLISH,
    HERE,
    LANGUAGES,
    PLACE,
    Words,
    script,
    script_in,
    words_in,
)

OTHERS = [language for language in LANGUAGES if language != "en"]
TABLE = {
    "that net is gone": "没了",
    "Epoch {n} of {m}": "{m} 之 {n}",
    "{what} is kept": "留{what}",
    "the net": "网",
    "{name} is broken ({why})": "{name} 坏了",
    "Done.": "好了。",
}
WORDS = Words("zh", TABLE)


@pytest.mark.parametrize(
    ("english", "said"),
    [
        ("that net is gone", "没了"),
        ("That net is gone", "没了"),
        ("That net is gone.", "没了。"),
        ("Epoch 3 of 5", "5 之 3"),
        ("epoch 3 of 5", "5 之 3"),
        ("the net is kept", "留网"),
        ("adamw is kept", "留adamw"),
        ("Done. The net is kept.", "好了。留网。"),
        ("x.png is broken (no such file)", "x.png 坏了"),  # why is not said
        # never half:
        ("some other thing is kept", "some other thing is kept"),
        ("Done. Nobody knows what follows.", "Done. Nobody knows what follows."),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_a_text_is_said_whole_or_not_at_all(english: str, said: str) -> None:
    assert WORDS(english) == said
    assert ENGLISH(english) == english


def test_markup_keeps_its_tags() -> None:
    html = '<p title="Done.">\n  that net\n is gone <b>x &lt; y</b></p><input value="Done.">'
    said = '<p title="好了。">\n  没了 <b>x &lt; y</b></p><input value="Done.">'
    assert WORDS.markup(html) == said
    assert ENGLISH.markup(html) == html


@given(st.text(max_size=200))
def test_any_text_may_come(text: str) -> None:
    assert isinstance(words_in("zh")(text), str)
    assert isinstance(words_in("zh").listed(text), str)


def test_a_script_gets_the_words_that_it_names_and_no_others() -> None:
    text = script("sketchpad_ask.js")
    said = script_in(text, words_in("zh"))
    table = json.loads(re.findall(r"const WORDS = (.*);", said)[0])
    assert table["Go on drawing"] == "继续写"
    assert "Brush" not in table
    assert script_in(text, ENGLISH) == text


@pytest.mark.parametrize("language", OTHERS)
def test_places_are_the_same_in_both_languages(language: str) -> None:
    text = (HERE / f"words_{language}.json").read_text("utf-8")
    pairs = json.loads(text, object_pairs_hook=list)
    assert len({english for english, _ in pairs}) == len(pairs)  # none is there twice
    for english, said in pairs:
        assert said
        # What only an English system says (a reason) may be left out, nothing may be made up.
        assert set(PLACE.findall(said)) == set(PLACE.findall(english)) - {"reason"}, english


@pytest.mark.parametrize(
    "english",
    [
        "3 people ahead of you, about 2 min 10 s; keep this page open, your run starts by itself",
        "1 person ahead of you; keep this page open, your run starts by itself",
        "Checking on validation digits, epoch 2 of 5",
        "Paused in epoch 2 of 5; ends by itself after 5 minutes of pauses, 30 s while others wait",
        "Runs 1, 2 together, in use: the mean of their probabilities",
        "Runs 1, 2 together, being tested: a majority vote",
        "Stopped; now testing the net that was kept",
        "Stopped in epoch 2 of 5. The net of epoch 1 is kept, the best so far.",
        "Stopped in epoch 1 of 5. No epoch was over; the net is kept as it was.",
        "Ended after 20 minutes, the most a run here may take while others wait, in epoch 1 of 3. "
        "The net of epoch 1 is kept, the last that was over.",
        "Ended after 5 minutes of pause in epoch 1 of 3.",
        "Ended after 30 s of pause, the most while others wait, in epoch 1 of 3.",
        "The training process was ended by signal 9, perhaps for want of memory: a smaller batch "
        "or net needs less. The net of epoch 3 is kept, the best so far.",
        "The loss is no longer a number; train again with a learning rate well below 0.5. "
        "The net of epoch 1 is kept, the best so far.",
        "Batches of 256 were too large for the memory; trained with 128.",
        "held-out accuracy (1,000 digits of the sample, which also chose the epoch)",
        "test accuracy (10,000 digits of the test set of the sample)",
        "5,000 digits of the sample (those it was validated on)",
        "interrupted in epoch 1 of 3",
        "Interrupted in epoch 1 of 3.",
        "15 trainings from your network are waiting already; try again in about 20 s",
        "20 trainings are waiting already; try again in a few minutes",
        "batch_size is 999; choose from 8 to 256",
        "keep is '3'; choose one of: 1, 2",
        "This run could not be resumed: the disk is full.",
        "This run could not be resumed: input/output error.",
        "Not kept beyond this page: input/output error.",
        "no data set is called '7'; choose one of: 1, 2",
        "this net is damaged (incomplete metadata, file not fully covered); train it again",
        "this net reads colour photos (1 to 2), not digits; "
        "choose another network at the top of the page",
    ],
)
def test_what_a_board_may_say_is_said_to_the_last_word(english: str) -> None:
    for language in OTHERS:
        assert not re.search("[A-Za-z]", words_in(language)(english)), words_in(language)(english)


def test_a_machine_keeps_its_names() -> None:
    english = (
        "Intel(R) Xeon(R) Processor, 2 cores; system Linux x86_64, python 3.11.7, torch 2.15.0; "
        "CPU, 2 threads (x86_64)"
    )
    said = words_in("zh")(english)
    assert said.startswith("Intel(R) Xeon(R) Processor，2 核；系统 Linux x86_64，Python 3.11.7")
    assert said.endswith("CPU，2 线程（x86_64）")


def test_a_list_is_said_part_by_part() -> None:
    said = words_in("zh").listed("epochs 3, batch 32, one-cycle, augmentation shift, kept: last")
    assert said == "3 轮，批量 32，单周期，数据增强 平移，保留：最后"
    assert ENGLISH.listed("epochs 3, adam") == "epochs 3, adam"
