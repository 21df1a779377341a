"""
A Django site with `django-plausible-proxy`, as a program: its arguments are the address of Daysalt and the site.

It serves the script and takes beacons under its own address, and tells of one event by itself. Prints what came back.
"""

# What it imports is fetched when the tests run and has no types.
# pyright: basic, reportMissingImports=false, reportMissingModuleSource=false, reportAttributeAccessIssue=false

from __future__ import annotations

import json
import sys

import django
from django.conf import settings

CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"

address, domain = sys.argv[1:]
settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF="plausible_proxy.urls",
    INSTALLED_APPS=["plausible_proxy"],
    PLAUSIBLE_BASE_URL=address,
    PLAUSIBLE_DOMAIN=domain,
    PLAUSIBLE_REQUEST_TIMEOUT=10,
)
django.setup()

from django.test import Client, RequestFactory  # noqa: E402 - only once it is set up
from plausible_proxy import send_custom_event  # noqa: E402 - as above

visitor = {"HTTP_USER_AGENT": CHROME, "REMOTE_ADDR": "81.2.69.142", "HTTP_HOST": domain}
pages = Client()
script = pages.get("/js/script.outbound-links.js", **visitor)
beacon = {"n": "pageview", "u": f"https://{domain}/shop?utm_source=mail", "d": domain, "r": None}
pageview = pages.post("/api/event", json.dumps(beacon), content_type="text/plain", **visitor)
request = RequestFactory().get("/shop/paid?token=1", **visitor)
told = send_custom_event(request, name="Buy", props={"plan": "large", "seats": 3})
print(json.dumps({"script": script.status_code, "has_links": b"Outbound Link" in script.content,
                  "pageview": pageview.status_code, "told": told}))  # fmt: skip
