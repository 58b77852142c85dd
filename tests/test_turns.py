"""The line for training: first come, first served, bounded, and nobody stays in it for ever."""

from __future__ import annotations

import threading

import pytest

from mnist_demo.errors import UserError
from mnist_demo.page.turns import Place, Turns


def test_places_are_served_in_the_order_of_arrival() -> None:
    turns = Turns()
    first, second, third = turns.join(), turns.join(), turns.join()
    assert [place.ahead for place in (first, second, third)] == [0, 1, 2]
    with first:
        pass
    assert [place.ahead for place in (second, third)] == [0, 1]


def test_one_who_leaves_from_the_middle_lets_the_others_move_up() -> None:
    turns = Turns()
    first, second, third = turns.join(), turns.join(), turns.join()
    turns.leave(second)
    turns.leave(second)  # twice does no harm
    assert (first.ahead, third.ahead, len(turns)) == (0, 1, 2)


def test_a_full_line_says_so_and_takes_the_next_when_one_has_left() -> None:
    turns = Turns(limit=2)
    first, _ = turns.join(), turns.join()
    with pytest.raises(UserError, match="2 trainings are waiting"):
        turns.join()
    turns.leave(first)
    assert turns.join().ahead == 1


def test_an_error_inside_gives_the_place_up() -> None:
    turns = Turns()
    with pytest.raises(ZeroDivisionError), turns.join():
        1 / 0  # noqa: B018
    assert len(turns) == 0


def test_many_threads_never_share_the_front() -> None:
    turns = Turns(limit=64)
    inside: list[int] = []
    most: list[int] = []

    def visit() -> None:
        with turns.join() as place:
            while place.ahead:
                threading.Event().wait(0.001)
            inside.append(1)
            most.append(len(inside))
            inside.pop()

    threads = [threading.Thread(target=visit) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(most) == 32
    assert max(most) == 1
    assert len(turns) == 0


def test_a_full_line_counts_right_when_all_arrive_at_once() -> None:
    turns = Turns(limit=10)
    places: list[Place] = []
    refused: list[UserError] = []

    def arrive() -> None:
        try:
            places.append(turns.join())
        except UserError as error:
            refused.append(error)

    threads = [threading.Thread(target=arrive) for _ in range(25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert (len(places), len(refused)) == (10, 15)
    assert sorted(place.ahead for place in places) == list(range(10))
