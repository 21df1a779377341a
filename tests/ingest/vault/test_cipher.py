"""
A ciphertext of the vault opens in its own row only, and an index finds an address only under its own key.
"""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from ingest.vault.cipher import (
    VaultCipher,
    VaultUnreadable,
    address_of,
    mapped_address,
    parsed_address,
)
from ingest.vault.row import CIPHERTEXT_BYTES

KEY, OTHER_KEY = b"k" * 32, b"o" * 32
V4 = mapped_address(ip_address("203.0.113.77").packed, whole_ipv6=True)
V6 = mapped_address(ip_address("2001:db8:aaaa:bbbb::1234").packed, whole_ipv6=True)


def test_what_is_sealed_opens_again() -> None:
    """
    Under the same key, site, day and index; both families are equally long.
    """
    cipher = VaultCipher(KEY, 7, 20_780)
    sealed = [cipher.seal(cipher.index(address), address) for address in (V4, V6)]

    assert {CIPHERTEXT_BYTES} == {len(ciphertext) for ciphertext in sealed}
    assert [V4, V6] == [
        VaultCipher(KEY, 7, 20_780).open(cipher.index(address), ciphertext)
        for address, ciphertext in zip((V4, V6), sealed, strict=True)
    ]


@pytest.mark.parametrize(
    ("key", "site", "day", "address"),
    [(OTHER_KEY, 7, 20_780, V4), (KEY, 8, 20_780, V4), (KEY, 7, 20_781, V4), (KEY, 7, 20_780, V6)],
    ids=["key", "site", "day", "row"],
)
def test_a_moved_ciphertext_does_not_open(key: bytes, site: int, day: int, address: bytes) -> None:
    """
    Attack 15: in another site's row, on another day, under another key or at another index it is noise, and the error
    does not say which.
    """
    home, elsewhere = VaultCipher(KEY, 7, 20_780), VaultCipher(key, site, day)
    sealed = home.seal(home.index(V4), V4)

    assert V4 == home.open(home.index(V4), sealed)
    with pytest.raises(VaultUnreadable, match=r"^a row of the vault cannot be read$"):
        elsewhere.open(home.index(address), sealed)
    with pytest.raises(VaultUnreadable, match=r"^a row of the vault cannot be read$"):
        home.open(home.index(V4), sealed[:-1])


def test_indexes_are_those_of_one_site_and_key() -> None:
    """
    Attacks 3 and 5: the same address has nothing in common on two days or sites.
    """
    ciphers = [VaultCipher(KEY, 1, 20_780), VaultCipher(KEY, 2, 20_780), VaultCipher(OTHER_KEY, 1, 20_781)]

    assert 3 == len({cipher.index(V4) for cipher in ciphers})
    assert ciphers[0].index(V4) == VaultCipher(KEY, 1, 20_780).index(V4)
    assert ciphers[0].index(V4) != ciphers[0].index(V6)


def test_a_nonce_is_not_used_twice_under_one_key() -> None:
    """
    Attack 14: ciphers of several workers with one key draw different nonces; with a generator that was cloned, the
    control, they would not.
    """
    workers = [VaultCipher(KEY, 1, 20_780) for _ in range(8)]
    index = workers[0].index(V4)
    drawn = [worker.seal(index, V4)[:13] for worker in workers for _ in range(2_000)]
    cloned = [VaultCipher(KEY, 1, 20_780, random_bytes=lambda size: b"n" * size) for _ in range(2)]

    assert len(drawn) == len(set(drawn))
    assert 1 == len({worker.seal(index, V4)[:13] for worker in cloned})


def test_the_cap_of_a_key_rolls_to_a_new_one() -> None:
    """
    After its number of encryptions a sub-key is not used again, and what it sealed still opens.
    """
    cipher = VaultCipher(KEY, 1, 20_780, encryptions_max=3)
    index = cipher.index(V4)
    sealed = [cipher.seal(index, V4) for _ in range(7)]

    assert [0, 0, 0, 1, 1, 1, 2] == [ciphertext[0] for ciphertext in sealed]
    assert {V4} == {cipher.open(index, ciphertext) for ciphertext in sealed}


def test_ipv6_is_kept_whole_or_by_network() -> None:
    """
    By the setting; IPv4 is not touched by it, however it is written.
    """
    packed = ip_address("2001:db8:aaaa:bbbb::1234").packed
    neighbour = ip_address("2001:db8:aaaa:bbbb::9").packed

    assert mapped_address(packed, whole_ipv6=True) != mapped_address(neighbour, whole_ipv6=True)
    assert mapped_address(packed, whole_ipv6=False) == mapped_address(neighbour, whole_ipv6=False)
    assert "2001:db8:aaaa:bbbb::" == str(address_of(mapped_address(packed, whole_ipv6=False)))
    assert "203.0.113.77" == str(address_of(mapped_address(parsed_address("203.0.113.77"), whole_ipv6=False)))
    assert parsed_address("203.0.113.77") == parsed_address("::ffff:203.0.113.77")
