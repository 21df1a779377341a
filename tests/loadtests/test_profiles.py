"""
Promises of load profiles: what is in the files, what is refused, and that a seed gives the same again.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loadtests.profile import PROFILES_DIR, ProfileError, read_profile
from loadtests.traffic import ROBOTS, Traffic

WHOLE = """
about = "Somebody comes."
seed = 7

[[stage]]
seconds = 10
rate = 100

[[stage]]
seconds = 10
rate = 100
to = 300
"""


def write(tmp_path: Path, text: str) -> str:
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    return str(tmp_path / "mine.toml")


@pytest.mark.parametrize("path", sorted(PROFILES_DIR.glob("*.toml")), ids=lambda path: path.stem)
def test_profiles_of_the_repository(path: Path) -> None:
    """
    Every profile can be read, says who comes, and takes at most three minutes.
    """
    profile = read_profile(path.stem)

    assert path.stem == profile.name
    assert profile.about.endswith(".")
    assert 10 <= profile.seconds <= 180


def test_the_profiles_there_are() -> None:
    """
    The kinds of traffic an operator asks about are there.
    """
    names = {path.stem for path in PROFILES_DIR.glob("*.toml")}

    assert {"steady", "ramp", "spike", "viral", "office", "bots", "importer", "crawlers", "crowd"} == names


def test_a_scenario_of_the_risk_trial_can_be_sent(tmp_path: Path) -> None:
    """
    Its pageviews are the requests, with the addresses and headers of who sends them; an unknown name is refused.
    """
    text = WHOLE + '[traffic]\nscenario = "conversion-faker"\n'
    traffic = Traffic(read_profile(write(tmp_path, text)), "r", "key")
    requests = [traffic.request(number) for number in range(len(traffic.pages))]

    assert len(requests) > 100
    assert len({line for one in requests for line in one.split(b"\r\n") if line.startswith(b"X-Forwarded-For")}) > 50
    assert any(b"sec-ch-ua" in one for one in requests)
    assert all(b"/load/r/" in one for one in requests)
    with pytest.raises(ProfileError, match="scenario"):
        read_profile(write(tmp_path, text.replace("conversion-faker", "nobody")))


def test_arrivals_follow_the_stages(tmp_path: Path) -> None:
    """
    Requests fall due in order, as often as the rates say, and at the same moments for the same seed.
    """
    profile = read_profile(write(tmp_path, WHOLE))
    arrivals = list(profile.arrivals())
    first, second = sum(due < 10 for due in arrivals), sum(due >= 10 for due in arrivals)

    assert 3000 == profile.expected_requests
    assert sorted(arrivals) == arrivals == list(profile.arrivals())
    assert 900 < first < 1100
    assert 1850 < second < 2150
    assert arrivals[-1] < profile.seconds == 20


def test_senders_share_the_same_moments(tmp_path: Path) -> None:
    """
    The shares of three senders are the arrivals of one, none twice.
    """
    profile = read_profile(write(tmp_path, WHOLE))
    shares = [list(profile.arrivals(first=first, step=3)) for first in range(3)]

    assert sorted(due for share in shares for due in share) == list(profile.arrivals())


def test_scale_stretches_time(tmp_path: Path) -> None:
    """
    A tenth of the time at the same rates is a tenth of the requests.
    """
    profile = read_profile(write(tmp_path, WHOLE), scale=0.1)

    assert (2.0, 300.0) == (profile.seconds, profile.expected_requests)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("seed = 7", "sead = 7"), "mine: sead is unknown"),
        (("seed = 7", 'seed = "x"'), "mine: seed is 'x'; it must be a number from 0 to"),
        (("seed = 7", 'loop = "both"'), "mine: loop is 'both'; it must be open or closed"),
        (("rate = 100\n\n", "rate = -1\n\n"), "mine: rate is -1; it must be a number from 0 to"),
        (("seconds = 10\nrate = 100\nto", "rate = 100\nto"), "mine: seconds is None"),
        (('about = "Somebody comes."', ""), "mine: about is missing"),
        (("[[stage]]", "[stage"), "cannot be read"),
        (("seed = 7", "[traffic]\npages = 100000"), "mine: pages is 100000; it must be a number from 1 to 1000"),
    ],
)
def test_wrong_profiles(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    """
    What is wrong in a profile is told in one sentence with the value.
    """
    with pytest.raises(ProfileError) as told:
        read_profile(write(tmp_path, WHOLE.replace(*change)))

    assert sentence in str(told.value)


def test_unknown_profile_names_those_there_are() -> None:
    """
    A profile that is not there is told with those that are.
    """
    with pytest.raises(ProfileError, match=r"there is no profile vyral; choose one of bots, crawlers, .*viral"):
        read_profile("vyral")


def body_of(request: bytes) -> dict[str, object]:
    head, _, body = request.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    return json.loads(body)


def test_each_request_carries_its_number() -> None:
    """
    A request is the same for the same run and number, and its page is known without sending it.
    """
    profile = read_profile("steady")
    traffic, again = Traffic(profile, "r1", ""), Traffic(profile, "r1", "")
    body = body_of(traffic.request(123_456))

    assert traffic.request(123_456) == again.request(123_456)
    assert {"n": "0000123456"} == body["p"]
    assert f"https://load.test{traffic.page_of(123_456)}" == body["u"]


def test_batches_carry_the_numbers_of_their_events() -> None:
    """
    Batch 2 of 500 has the events 1000 to 1499, each with an address and a user agent, and the key.
    """
    traffic = Traffic(read_profile("importer"), "r1", "key-1")
    request = traffic.request(2)
    events = json.loads(request.partition(b"\r\n\r\n")[2])

    assert [f"{number:010d}" for number in range(1000, 1500)] == [event["p"]["n"] for event in events]
    assert {True} == {bool(event["ip"] and event["user_agent"]) for event in events}
    assert b"Authorization: Bearer key-1\r\n" in request


def test_robots_and_the_office() -> None:
    """
    Two in five requests of `bots` have a robot's user agent; all of `office` come from one address.
    """
    bots, office = (Traffic(read_profile(name), "r1", "") for name in ("bots", "office"))
    requests = [bots.request(number).decode() for number in range(5_000)]
    robots = sum(any(robot in request for robot in ROBOTS) for request in requests)
    addresses = {
        line
        for number in range(500)
        for line in office.request(number).decode().split("\r\n")
        if line.startswith("X-Forwarded-For")
    }

    assert 0.36 < robots / len(requests) < 0.44
    assert 1 == len(addresses)
