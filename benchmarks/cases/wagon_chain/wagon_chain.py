"""A train as a chain of wagons, each coupled to the next."""

from __future__ import annotations

from collections.abc import Iterator


class Wagon:
    def __init__(self, number: int, tons: int) -> None:
        self.number = number
        self.tons = tons
        self.next: Wagon | None = None


class Train:
    def __init__(self) -> None:
        self.first: Wagon | None = None

    def couple(self, number: int, tons: int) -> None:
        """Hang a wagon on at the end."""
        wagon = Wagon(number, tons)
        if self.first is None:
            self.first = wagon
            return
        last = self.first
        while last.next is not None:
            last = last.next
        last.next = wagon

    def wagons(self) -> Iterator[Wagon]:
        wagon = self.first
        while wagon is not None:
            yield wagon
            wagon = wagon.next

    def cut_behind(self, number: int) -> Train:
        """Uncouple what comes after the wagon with this number; the rear part as a train of its own."""
        rear = Train()
        for wagon in self.wagons():
            if wagon.number == number:
                rear.first = wagon.next
                wagon.next = None
        return rear

    def tons(self) -> int:
        return sum(wagon.tons for wagon in self.wagons())
