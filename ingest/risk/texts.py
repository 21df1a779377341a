"""
The words for every reason, in English and Swedish. They say what was seen, never what to do about it.
"""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "NET_HOSTING": ("The address belongs to a data centre.", "Adressen hör till ett datacenter."),
    "NET_TOR": ("The address is an exit of the Tor network.", "Adressen är en utgång ur Tor-nätet."),
    "NET_VPN": ("The address belongs to a VPN service.", "Adressen hör till en VPN-tjänst."),
    "BOGON": (
        "No stranger can have this address: a proxy is set up wrongly, or a header is forged.",
        "Ingen utomstående kan ha den här adressen: en proxy är fel inställd, eller ett huvud är förfalskat.",
    ),
    "UA_BOT": (
        "The client says itself that it is a crawler, monitor or preview.",
        "Klienten säger själv att den är en sökrobot, övervakare eller förhandsvisning.",
    ),
    "UA_LIB": (
        "The client says that it is a program library or command.",
        "Klienten säger att den är ett programbibliotek eller kommando.",
    ),
    "UA_EMPTY": ("The client sends no user agent.", "Klienten skickar ingen user agent."),
    "UA_ANCIENT": (
        "The browser is older than most of today's web can be shown in.",
        "Webbläsaren är äldre än vad dagens webb kan visas i.",
    ),
    "UA_HEADLESS": (
        "The browser says that it runs without a screen.",
        "Webbläsaren säger att den körs utan skärm.",
    ),
    "HDR_IMPOSSIBLE": (
        "The headers contradict the browser that the client claims to be.",
        "Huvudena motsäger den webbläsare som klienten säger sig vara.",
    ),
    "ORIGIN_MISMATCH": (
        "Beacons come without the page's origin, which browsers always send.",
        "Signaler kommer utan sidans ursprung, som webbläsare alltid skickar.",
    ),
    "FAN_UA": (
        "Nearly every request has another user agent, and nobody reads.",
        "Nästan varje anrop har en annan user agent, och ingen läser.",
    ),
    "VEL_1M": ("More events in a minute than one client makes.", "Fler händelser på en minut än en klient gör."),
    "VEL_10M": (
        "More events in ten minutes than one client makes.",
        "Fler händelser på tio minuter än en klient gör.",
    ),
    "VEL_1H": ("More events in an hour than one client makes.", "Fler händelser på en timme än en klient gör."),
    "VEL_24H": ("More events today than one client makes.", "Fler händelser i dag än en klient gör."),
    "VEL_NET": (
        "Its network is busy, and next to nobody in it reads.",
        "Dess nät är livligt, och nästan ingen i det läser.",
    ),
    "ZERO_DWELL": (
        "Many pages were counted, and no reading time for them.",
        "Många sidor räknades, och ingen lästid för dem.",
    ),
    "QUICK_PAGES": (
        "Pages follow each other in less than a second, and none is read.",
        "Sidor följer på varandra på mindre än en sekund, och ingen läses.",
    ),
    "FAN_PATHS": (
        "Page after page is taken once and not read.",
        "Sida efter sida hämtas en gång och läses inte.",
    ),
    "SAME_PAGE": (
        "The same few pages come over and over, and are not read.",
        "Samma få sidor kommer om och om igen, och läses inte.",
    ),
    "BEAT": ("The pages come at the beat of a timer.", "Sidorna kommer i takt med en tidgivare."),
    "NIGHT_FLAT": (
        "Active in most hours of the day and night, and nobody reads.",
        "Aktiv under de flesta av dygnets timmar, och ingen läser.",
    ),
    "FAN_SITES": (
        "Seen on more sites of this installation than a person visits.",
        "Sedd på fler av installationens webbplatser än en person besöker.",
    ),
    "NET_SILENT": (
        "Many addresses of its network come within minutes, and hardly one reads.",
        "Många adresser i dess nät kommer inom minuter, och knappt någon läser.",
    ),
    "REPLAY": (
        "The same reading times were sent again, to the millisecond.",
        "Samma lästider skickades igen, på millisekunden.",
    ),
    "CONV_NO_VIEW": (
        "Goals or purchases were reported, and no page before them.",
        "Mål eller köp rapporterades, och ingen sida före dem.",
    ),
    "CONV_RATIO": ("More purchases than pageviews.", "Fler köp än sidvisningar."),
    "REF_SPAM": (
        "The referrer is on the list of those that send made-up visits.",
        "Hänvisaren finns på listan över dem som skickar påhittade besök.",
    ),
    "DWELL_OK": (
        "Pages are read, for human and varying times.",
        "Sidor läses, under mänskliga och varierande tider.",
    ),
    "SHARED_LINE": (
        "Several browsers share the address, and somebody reads.",
        "Flera webbläsare delar adressen, och någon läser.",
    ),
    "LIMIT_NETWORK": (
        "Reasons about the network count for no more than this together.",
        "Skäl om nätet räknas tillsammans inte högre än så.",
    ),
    "LIMIT_VELOCITY": (
        "Reasons about speed count for no more than this together.",
        "Skäl om fart räknas tillsammans inte högre än så.",
    ),
    "LIMIT_CLIENT": (
        "Reasons about the client count for no more than this together.",
        "Skäl om klienten räknas tillsammans inte högre än så.",
    ),
    "LIMIT_BEHAVIOUR": (
        "Reasons about behaviour count for no more than this together.",
        "Skäl om beteende räknas tillsammans inte högre än så.",
    ),
    "LIMIT_CONTENT": (
        "Reasons about what is sent count for no more than this together.",
        "Skäl om vad som skickas räknas tillsammans inte högre än så.",
    ),
    "LIMIT_SCORE": ("The score ends at 100.", "Poängen slutar vid 100."),
    "LIMIT_ZERO": ("The score begins at 0.", "Poängen börjar vid 0."),
    "RESTRICTED": (
        "Whoever has this address has objected, or its use is restricted: it is not assessed.",
        "Den som har adressen har invänt, eller så är användningen begränsad: den bedöms inte.",
    ),
    "SIGNAL": (
        "The client sent Sec-GPC or DNT, which is an objection: it is not assessed.",
        "Klienten skickade Sec-GPC eller DNT, vilket är en invändning: den bedöms inte.",
    ),
    "SITE_OFF": (
        "Risk is switched off for this site: nothing is assessed.",
        "Risk är avstängt för webbplatsen: inget bedöms.",
    ),
}

NOTICE = {
    "en": "Advice only: a person decides about anything that affects somebody (GDPR article 22).",
    "sv": "Endast råd: en människa beslutar om allt som påverkar någon (GDPR artikel 22).",
}


_BY_LANGUAGE = {code: {"en": english, "sv": swedish} for code, (english, swedish) in TEXTS.items()}


def reason_text(code: str) -> dict[str, str]:
    """
    Give the words of a reason in both languages.
    """
    return _BY_LANGUAGE[code]
