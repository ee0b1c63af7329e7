"""Display names for the people who phone each other here."""

import random
from collections.abc import Collection

_GIVEN_TEXT = (
    "Amara Aiko Ana Andrzej Anjali Arjun Astrid Ayşe Bilal Björn Carlos Chloé Chidi Daniela David Dewi Elif Emeka Emma"
    " Fatima Felix Freya Gabriel Giulia Grace Hana Hassan Hiroshi Imani Ines Ivan Jakub Jamal Jasmin Ji-woo João Jonas"
    " Kavya Kofi Kwame Lan Layla Leila Lucía Luca Maja Malik Marta Mateo Mei Mina Nadia Niamh Noor Oksana Olga Omar"
    " Paolo Priya Rania Ravi Rosa Samir Sana Santiago Sofia Søren Tariq Tereza Thabo Tomáš Valentina Wei Yara Yuki"
    " Yusuf Zanele Zofia"
)
_FAMILY_TEXT = (
    "Adeyemi Ahmed Almeida Andersson Bianchi Castillo Chen Costa Da_Silva Demir Diallo Dubois Eze Fernández Fischer"
    " Garcia Gupta Haddad Hansen Hoang Ibrahim Ito Jansen Johansson Kaya Khan Kim Kovács Kowalska Kumar Lindqvist"
    " Lopez Mahlangu Martin Mbeki Mensah Meyer Molina Moreau Mwangi Nakamura Nguyen Novák Nowak Nkosi O’Brien Okafor"
    " Oliveira Osei Park Patel Pereira Petrova Rahman Ramírez Rossi Sato Schmidt Sharma Shevchenko Singh Suzuki Tanaka"
    " Tran Van_Dijk Wang Weber Yılmaz Zhang"
)

_GIVEN, _FAMILY = _GIVEN_TEXT.split(), _FAMILY_TEXT.split()


def names(chance: random.Random, count: int, *, but: Collection[str] = ()) -> list[str]:
    """`count` different names, none of them in `but`."""
    chosen: list[str] = []
    while len(chosen) < count:
        name = f"{chance.choice(_GIVEN)} {chance.choice(_FAMILY).replace('_', ' ')}"
        if name not in but and name not in chosen:
            chosen.append(name)
    return chosen


def some_names(count: int) -> list[str]:
    return names(random.SystemRandom(), count)
