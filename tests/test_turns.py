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


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_one_owner_cannot_fill_the_line_and_others_still_find_a_place() -> None:
    turns = Turns(limit=5, each=3)
    for _ in range(3):
        turns.join("10.0.0.1")
    with pytest.raises(UserError, match="3 trainings from your network .* try again in"):
        turns.join("10.0.0.1")
    assert [turns.join(owner).ahead for owner in ("10.0.0.2", "")] == [3, 4]
    with pytest.raises(UserError, match="5 trainings are waiting"):
        turns.join("10.0.0.3")


def test_who_has_no_name_is_bounded_by_the_line_alone() -> None:
    turns = Turns(limit=4, each=1)
    assert [turns.join().ahead for _ in range(4)] == [0, 1, 2, 3]


def test_the_wait_is_what_turns_took_before_and_what_the_front_says() -> None:
    clock = Clock()
    turns = Turns(clock=clock)
    first, second, third = turns.join(), turns.join(), turns.join()
    assert (first.wait, second.wait, third.wait) == (0.0, None, None)  # nothing is known yet
    first.seconds_left = 12.0
    assert (second.wait, third.wait) == (12.0, None)
    first.has_worked = True
    clock.now = 30.0
    turns.leave(first)  # a turn takes 30 s
    assert (second.wait, third.wait) == (0.0, 30.0)
    clock.now = 40.0
    fourth = turns.join()
    assert (third.wait, fourth.wait) == (20.0, 50.0)
    clock.now = 90.0
    assert third.wait == 0.0  # later than expected: any moment now
    second.seconds_left = 8.0
    assert (third.wait, fourth.wait) == (8.0, 38.0)


def test_a_turn_that_was_given_up_says_nothing_of_the_next() -> None:
    clock = Clock()
    turns = Turns(clock=clock)
    first, second = turns.join(), turns.join()
    clock.now = 1.0
    turns.leave(first)  # it never worked
    third = turns.join()
    assert third.wait is None
    assert second.is_awaited
    assert not third.is_awaited


def test_a_full_line_says_when() -> None:
    clock = Clock()
    turns = Turns(limit=1, clock=clock)
    with pytest.raises(UserError, match="in a few minutes"), turns.join():
        turns.join()
    front = turns.join()
    front.seconds_left = 40.0
    with pytest.raises(UserError, match="in about 40 s"):
        turns.join()
    front.seconds_left = 600.0
    with pytest.raises(UserError, match="in 10 minutes"):
        turns.join()
