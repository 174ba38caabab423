"""The page that a person sees last."""

from __future__ import annotations

import base64
import hashlib
import re

from alicred.login.page import HEADERS, Page


def test_a_page_loads_nothing_and_is_in_one_language() -> None:
    page = Page(lambda english: {"A": "甲", "B": "<乙>"}[english], "zh-CN").html("A", "B", good=True)
    assert '<html lang="zh-CN">' in page
    assert "<h1>甲</h1>" in page
    assert "<p>&lt;乙&gt;</p>" in page
    assert re.findall(r"(?:src|href)=\"([^\"]*)\"", page) == ["data:,"]
    assert "http" not in page


def test_the_policy_allows_the_style_and_the_script_of_the_page_and_nothing_else() -> None:
    page = Page().html("A", "B", good=False)
    for tag in ("style", "script"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in HEADERS["Content-Security-Policy"]
