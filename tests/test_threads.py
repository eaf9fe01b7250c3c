"""Images side by side: in turn, no more than asked for, each in a thread that nothing divides."""

import threading

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.inside import at_once, side_by_side, submit, undivided_pool

CPU = torch.device("cpu")


@given(pixels=st.integers(0, 1 << 28))
def test_images_at_once_take_no_more_memory_than_one_large_image(pixels):
    before = torch.get_num_threads()
    torch.set_num_threads(48)
    try:
        count = at_once(pixels, CPU, thread_safe=True)
        assert at_once(pixels, CPU, thread_safe=False) == 1
    finally:
        torch.set_num_threads(before)
    assert 1 <= count <= 48
    assert count == 1 or count * pixels <= 4096 * 4096
    assert at_once(pixels, torch.device("cuda"), thread_safe=True) == 1


def test_with_one_thread_nothing_is_side_by_side():
    assert torch.get_num_threads() == 1
    assert at_once(100, CPU, thread_safe=True) == 1
    caller = threading.get_ident()
    assert list(side_by_side(lambda _: threading.get_ident(), range(3), 1)) == [caller] * 3


@pytest.mark.parametrize("most", [1, 2, 4])
def test_results_come_in_turn_and_so_many_are_in_work(four_threads, most):
    lock, working, together = threading.Lock(), set(), threading.Barrier(most)

    def work(i):
        with lock:
            working.add(i)
            assert len(working) <= most
        together.wait(timeout=60)  # for ever, were there fewer
        with lock:
            working.remove(i)
        return i

    assert list(side_by_side(work, iter(range(20)), most)) == list(range(20))


def test_work_is_in_inference_mode_and_undivided_and_leaves_the_caller_as_it_was(four_threads):
    def look(_):
        return torch.get_num_threads(), torch.is_inference_mode_enabled()

    assert set(side_by_side(look, range(8), 4)) == {(1, True)}
    assert submit(lambda: look(0)).result() == (1, True)
    assert undivided_pool(2, "test").submit(torch.get_num_threads).result() == 1
    assert look(0) == (4, False)
    new = []
    thread = threading.Thread(target=lambda: new.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert new == [4]


def test_what_fails_is_raised_in_its_turn_and_ends_the_work(four_threads):
    begun = []

    def work(i):
        begun.append(i)
        if i == 3:
            raise ValueError("the third")
        return i

    results = side_by_side(work, range(1000), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="the third"):
        next(results)
    assert len(begun) <= 6


def test_items_are_taken_as_threads_become_free(four_threads):
    taken = []
    results = side_by_side(lambda i: i, (taken.append(i) or i for i in range(100)), 3)
    assert next(results) == 0
    assert len(taken) == 3
    results.close()
