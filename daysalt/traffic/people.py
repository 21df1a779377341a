"""
Where made-up visitors are and what they hold in their hands. Shares are plausible, not measured.
"""

from __future__ import annotations

from daysalt.traffic.profile import Device, Place

_CHROME = ("156.0", "155.0", "154.0", "152.0")
_SAFARI = ("26.4", "26.3", "26.1", "18.6")
_FIREFOX = ("158.0", "157.0", "153.0")
_EDGE = ("156.0", "155.0")

EVERYDAY = (
    Device("Chrome", _CHROME, "Windows", ("11", "10"), "Desktop", 19),
    Device("Edge", _EDGE, "Windows", ("11", "10"), "Desktop", 8),
    Device("Firefox", _FIREFOX, "Windows", ("11", "10"), "Desktop", 3),
    Device("Chrome", _CHROME, "Mac", ("26.1", "15.7"), "Desktop", 5),
    Device("Safari", _SAFARI, "Mac", ("26.1", "15.7"), "Desktop", 8),
    Device("Safari", _SAFARI, "iOS", ("26.4", "26.3", "18.7"), "Mobile", 29),
    Device("Chrome", _CHROME, "Android", ("16", "15", "14"), "Mobile", 18),
    Device("Samsung Browser", ("29.0", "28.0"), "Android", ("16", "15"), "Mobile", 4),
    Device("Safari", _SAFARI, "iPadOS", ("26.4", "18.7"), "Tablet", 4),
    Device("Firefox", _FIREFOX, "GNU/Linux", ("",), "Desktop", 1),
    Device("Chrome", _CHROME, "Chrome OS", ("",), "Desktop", 1),
)

DEVELOPERS = (
    Device("Chrome", _CHROME, "Mac", ("26.1", "15.7"), "Desktop", 22),
    Device("Safari", _SAFARI, "Mac", ("26.1", "15.7"), "Desktop", 8),
    Device("Firefox", _FIREFOX, "Mac", ("26.1",), "Desktop", 5),
    Device("Chrome", _CHROME, "Windows", ("11", "10"), "Desktop", 16),
    Device("Firefox", _FIREFOX, "Windows", ("11",), "Desktop", 5),
    Device("Firefox", _FIREFOX, "GNU/Linux", ("",), "Desktop", 11),
    Device("Chrome", _CHROME, "GNU/Linux", ("",), "Desktop", 7),
    Device("Safari", _SAFARI, "iOS", ("26.4", "26.3"), "Mobile", 14),
    Device("Chrome", _CHROME, "Android", ("16", "15"), "Mobile", 9),
    Device("Safari", _SAFARI, "iPadOS", ("26.4",), "Tablet", 2),
    Device("", ("",), "", ("",), "", 1),
)

SWEDEN = (
    Place("SE", "SE-AB", 2673730, 31),
    Place("SE", "SE-O", 2711537, 17),
    Place("SE", "SE-M", 2692969, 12),
    Place("SE", "SE-C", 2666199, 6),
    Place("SE", "SE-Z", 2694560, 3),
    Place("SE", "SE-BD", 2604490, 2),
)

NEIGHBOURS = (
    Place("NO", "NO-03", 3143244, 7),
    Place("FI", "FI-18", 658225, 5),
    Place("DK", "DK-84", 2618425, 4),
    Place("DE", "DE-BE", 2950159, 4),
    Place("DE", "DE-BY", 2867714, 2),
    Place("GB", "GB-LND", 2643743, 3),
    Place("NL", "NL-NH", 2759794, 2),
)

WORLD = (
    Place("US", "US-CA", 5391959, 14),
    Place("US", "US-NY", 5128581, 9),
    Place("US", "US-WA", 5809844, 6),
    Place("US", "US-TX", 4671654, 4),
    Place("GB", "GB-LND", 2643743, 8),
    Place("DE", "DE-BE", 2950159, 7),
    Place("DE", "DE-BY", 2867714, 4),
    Place("IN", "IN-KA", 1277333, 7),
    Place("SE", "SE-AB", 2673730, 6),
    Place("FR", "FR-IDF", 2988507, 5),
    Place("NL", "NL-NH", 2759794, 4),
    Place("CA", "CA-ON", 6167865, 4),
    Place("PL", "PL-14", 756135, 3),
    Place("BR", "BR-SP", 3448439, 3),
    Place("JP", "JP-13", 1850147, 3),
    Place("AU", "AU-NSW", 2147714, 2),
    Place("ES", "ES-MD", 3117735, 2),
    Place("CH", "CH-ZH", 2657896, 2),
    Place("", "", 0, 1),
)
