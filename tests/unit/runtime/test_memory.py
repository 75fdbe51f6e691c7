"""What a process remembers of incidents is bounded by what it holds, not only by how many they
are."""

from uuid import UUID

from shared.runtime.say.memory import Loaded, Memory


def test_forgets_what_was_used_longest_ago() -> None:
    memory: Memory[str] = Memory(subjects=2)
    for number in (1, 2, 1, 3):
        memory.keep(UUID(int=number), Loaded("", 1))
    assert [memory.get(UUID(int=number)) is not None for number in (1, 2, 3)] == [True, False, True]


def test_a_huge_incident_takes_the_room_of_many() -> None:
    memory: Memory[str] = Memory(events=100)
    for number in range(50):
        memory.keep(UUID(int=number), Loaded("", 2))
    memory.keep(UUID(int=99), Loaded("", 90))
    assert [number for number in range(50) if memory.get(UUID(int=number))] == [45, 46, 47, 48, 49]


def test_one_that_grows_is_counted_once() -> None:
    memory: Memory[str] = Memory(events=100)
    memory.keep(UUID(int=1), Loaded("", 1))
    for version in range(1, 100):
        memory.keep(UUID(int=2), Loaded("", version))
    assert memory.get(UUID(int=1)) is not None
    memory.keep(UUID(int=2), Loaded("", 100))
    assert memory.get(UUID(int=1)) is None


def test_the_newest_is_kept_however_huge() -> None:
    memory: Memory[str] = Memory(events=100)
    for version in (1000, 1001):
        memory.keep(UUID(int=1), Loaded("", version))
    assert memory.get(UUID(int=1)) == Loaded("", 1001)
